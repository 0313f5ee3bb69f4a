//! Finds the system's libavcodec and libavutil, and compiles the few lines of C that read FFmpeg's records: their layout
//! differs from version to version, and only the headers of the version that is there know it.

fn main() {
    println!("cargo::rerun-if-changed=src/glue.c");
    // FFmpeg 5.0 is libavcodec 59 with libavutil 57. Linked in this order behind the glue.
    let mut glue = cc::Build::new();
    for (library, version) in [("libavcodec", "59"), ("libavutil", "57")] {
        let found = pkg_config::Config::new().atleast_version(version).cargo_metadata(false).probe(library);
        let found = found.unwrap_or_else(|error| {
            panic!("{error}\n\n{library} {version} or newer (FFmpeg 5.0) with its headers is needed, on Debian:\n  apt install libavcodec-dev libavutil-dev pkg-config\n")
        });
        glue.includes(&found.include_paths);
        for path in &found.link_paths {
            println!("cargo::rustc-link-search=native={}", path.display());
        }
    }
    glue.file("src/glue.c").compile("kineframe_ffmpeg_glue");
    println!("cargo::rustc-link-lib=avcodec\ncargo::rustc-link-lib=avutil");
}
