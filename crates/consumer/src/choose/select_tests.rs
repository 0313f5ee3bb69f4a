//! Grids and ranges.

use super::*;

const SECOND: i128 = 1_000_000_000;

fn elapsed(nanos: i128) -> Times {
    Times { wall: None, elapsed: Some(nanos) }
}

fn steps(step: u64, grid: Grid, range: Range) -> Steps {
    Steps::new(Every { step: std::time::Duration::from_millis(step), grid }, &range)
}

#[test]
fn each_step_gives_its_first_picture_and_an_empty_one_none() {
    let mut steps = steps(1000, Grid::Start, Range::default());
    // The grid starts at the first picture, wherever that is; nothing lies between 2.3 s and 5.3 s.
    let at = [300, 700, 1299, 1300, 2299, 5300, 5400].map(|ms| i128::from(ms) * 1_000_000);
    let first: Vec<bool> = at.into_iter().map(|at| steps.is_first(elapsed(at))).collect();
    assert_eq!(first, [true, false, false, true, false, true, false]);
}

#[test]
fn a_grid_starts_where_the_range_does_or_at_the_epoch() {
    let range = Range { from: Some(MediaTime::Wall(10 * SECOND)), ..Range::default() };
    let mut from_range = steps(4000, Grid::Start, range.clone());
    let mut from_epoch = steps(4000, Grid::Epoch, range);
    let at = |second: i128| Times { wall: Some(second * SECOND), elapsed: Some(0) };
    let run = |steps: &mut Steps| [11, 12, 13, 14, 15, 16].map(|second| steps.is_first(at(second)));
    assert_eq!(run(&mut from_range), [true, false, false, true, false, false]);
    assert_eq!(run(&mut from_epoch), [true, true, false, false, false, true]);
}

#[test]
fn times_that_go_back_do_not_serve_a_step_twice() {
    let mut steps = steps(1000, Grid::Start, Range::default());
    let at = [0, 3, 1, 2, 3, 0, -1, -2].map(|second| second * SECOND);
    let first: Vec<bool> = at.into_iter().map(|at| steps.is_first(elapsed(at))).collect();
    assert_eq!(first, [true, true, true, true, false, false, true, true]);
    assert_eq!(steps.served.len(), 1, "runs that touch are joined: {:?}", steps.served);
}

#[test]
fn what_a_grid_remembers_is_bounded() {
    let mut steps = steps(1, Grid::Start, Range::default());
    for index in 0..20_000_i128 {
        assert!(steps.is_first(elapsed(index * 2_000_000)));
    }
    assert_eq!(steps.served.len(), MAX_RUNS);
}

#[test]
fn a_picture_without_a_time_is_in_no_step_and_no_range() {
    let mut steps = steps(1000, Grid::Start, Range::default());
    assert!(!steps.is_first(Times::default()));
    assert!(!reached(MediaTime::Elapsed(0), Times::default()));
    assert!(!past(Some(MediaTime::Wall(0)), elapsed(5)));
}
