//! A log of measurements in EBML: append records, lose some bytes in the middle, read the rest.

use kineframe_ebml::{ElementDef, ElementId, ElementType, Error, Limits, NodeRef, Schema, SizeWidth, Tree, Writer};

const LOG: ElementId = ElementId(0x1A4C_4F47);
const RECORD: ElementId = ElementId(0x1052_4543);
const SENSOR: ElementId = ElementId(0x5E01);
const CELSIUS: ElementId = ElementId(0x5E02);

const fn element(id: ElementId, name: &'static str, ty: ElementType, parent: Option<ElementId>) -> ElementDef {
    ElementDef { id, name, ty, parent, recursive: false, unknown_size_allowed: false }
}

static ELEMENTS: [ElementDef; 6] = [
    element(ElementId::EBML, "EBML", ElementType::Master, None),
    element(ElementId(0x4282), "DocType", ElementType::String, Some(ElementId::EBML)),
    element(LOG, "Log", ElementType::Master, None),
    element(RECORD, "Record", ElementType::Master, Some(LOG)),
    element(SENSOR, "Sensor", ElementType::Utf8, Some(RECORD)),
    element(CELSIUS, "Celsius", ElementType::Float, Some(RECORD)),
];

struct MeasurementLog;

impl Schema for MeasurementLog {
    fn element(&self, id: ElementId) -> Option<&'static ElementDef> {
        ELEMENTS.iter().find(|element| element.id == id)
    }
}

fn write(records: &[(&str, f64)]) -> Result<Vec<u8>, Error> {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file);
    writer.master(ElementId::EBML, SizeWidth::Minimal, |header| header.string(ElementId(0x4282), "measurements"))?;
    writer.master(LOG, SizeWidth::Minimal, |log| {
        for (sensor, celsius) in records {
            log.master(RECORD, SizeWidth::Minimal, |record| {
                record.utf8(SENSOR, sensor)?;
                record.float(CELSIUS, *celsius)
            })?;
        }
        Ok(())
    })?;
    Ok(file)
}

fn show(record: NodeRef<'_>) -> Option<String> {
    let sensor = record.find("Sensor")?.text().ok()?;
    let celsius = record.find("Celsius")?.number().ok()?;
    Some(format!("{sensor}: {celsius} °C"))
}

fn main() -> Result<(), Error> {
    let mut file = write(&[("roof", -3.5), ("cellar", 11.25), ("kitchen", 21.0)])?;
    let tree = Tree::parse(file.clone(), 0, MeasurementLog, &Limits::default());
    let all: Vec<String> = tree.find_all("Log/Record").into_iter().filter_map(show).collect();
    println!("{}", all.join(", "));
    assert_eq!(all, ["roof: -3.5 °C", "cellar: 11.25 °C", "kitchen: 21 °C"]);

    // A disk error takes the header of the second record.
    let second = tree.find_all("Log/Record").get(1).map_or(0, |record| record.header().offset as usize);
    file[second..second + 4].fill(0);
    let tree = Tree::parse(file, 0, MeasurementLog, &Limits::default());
    for damage in tree.damage() {
        println!("damage: {}", damage.error);
    }
    let left: Vec<String> = tree.find_all("Log/Record").into_iter().filter_map(show).collect();
    println!("{}", left.join(", "));
    assert!(!tree.damage().is_empty() && left.contains(&"kitchen: 21 °C".to_owned()));
    Ok(())
}
