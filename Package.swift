// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
    // Where libnl's headers are. What pkg-config says of it would come with a folder of shared libraries, before that of the static ones.
    .unsafeFlags(["-Xcc", "-I/usr/include/libnl3"]),
]

/// One `contains` of two strings would link the whole engine of regular expressions: 1 MB, and its share of every start.
let programSettings = settings + [.unsafeFlags(["-Xfrontend", "-disable-implicit-string-processing-module-import"])]

/// A Swift target. The rows below are the layers of the house: a target imports only what its row names (`make lint` checks).
func room(_ name: String, _ imports: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: imports, swiftSettings: programSettings)
}

func door(_ name: String, _ imports: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: imports, swiftSettings: programSettings)
}

func tests(_ name: String, _ imports: [Target.Dependency]) -> Target {
    .testTarget(name: name + "Tests", dependencies: imports, swiftSettings: settings)
}

let package = Package(
    name: "minictl",
    targets: [
        // row 0: what Swift cannot import by itself
        .target(name: "CLinux"),
        .target(name: "CMount"),
        .systemLibrary(name: "CCap", providers: [.apt(["libcap-dev"])]),
        .systemLibrary(name: "CSeccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CArchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CNetlink", providers: [.apt(["libnl-3-dev", "libnl-route-3-dev"])]),
        // row 1: the kernel, JSON, and command lines, each without policy
        room("Linux", ["CLinux", "CMount", "CCap", "CSeccomp"]),
        room("JSON", []),
        room("CLI", ["Linux", "JSON"]),
        // row 2: the one model of a container
        room("OCI", ["JSON"]),
        // row 3: parts
        room("Cgroups", ["Linux", "OCI"]),
        room("Images", ["CArchive", "Linux", "JSON", "OCI"]),
        room("Network", ["CNetlink", "Linux", "JSON"]),
        // row 4: one OCI spec, one running process
        room("Runtime", ["Linux", "JSON", "OCI", "Cgroups"]),
        // row 5: containers as people know them
        room("Engine", ["Linux", "JSON", "OCI", "Cgroups", "Images", "Network", "Runtime"]),
        // row 6: doors
        door("minictl", ["CLI", "Linux", "JSON", "OCI", "Images", "Network", "Runtime", "Engine"]),
        door("minirun", ["CLI", "Linux", "JSON", "OCI", "Cgroups", "Runtime"]),
        // what tests stand on: directories and networks of their own
        .target(name: "TestGround", dependencies: ["Linux"], path: "Tests/TestGround", swiftSettings: settings),
        // tests mirror the targets
        tests("CLI", ["CLI", "Linux", "JSON"]),
        tests("Linux", ["Linux", "TestGround"]),
        tests("Engine", ["CSeccomp", "Linux", "JSON", "OCI", "Runtime", "Engine", "TestGround"]),
        tests("JSON", ["JSON"]),
        tests("OCI", ["JSON", "OCI"]),
        tests("Cgroups", ["Cgroups", "JSON", "Linux", "OCI"]),
        tests("Images", ["Images", "Linux", "JSON", "OCI", "TestGround"]),
        tests("Network", ["Network", "Linux", "JSON", "TestGround"]),
        tests("Minirun", ["Linux", "JSON", "OCI", "TestGround"]),
        tests("Verb", ["Linux", "JSON", "TestGround"]),
        tests("BlackBox", ["Linux", "JSON", "TestGround"]),
    ]
)
