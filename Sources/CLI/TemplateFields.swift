// SPDX-License-Identifier: Apache-2.0
import JSON

/// What a strict template may ask for although it is not there.
///
/// docker's templates see Go structures, in which every member exists; what is written as JSON leaves out empty ones. So a name that
/// is not there is a mistake, but for these, and wherever people or machines choose the names.
enum TemplateFields {
    /// Members whose own members have any names.
    static let maps: [StaticString] = [
        "Annotations", "Attributes", "Containers", "Data", "DriverOpts", "ExposedPorts", "Labels", "Namespaces", "Networks", "Options",
        "PortBindings", "Ports", "Sysctls", "Volumes",
    ]

    /// Parts that may be missing.
    private static let optional: [StaticString] = [
        "Annotations", "ExposedPorts", "Health", "Healthcheck", "LowerDir", "MergedDir", "Shell", "SizeRootFs", "SizeRw", "StopSignal",
        "StopTimeout", "StorageOpt", "Tmpfs", "UpperDir", "Volumes",
    ]

    /// Texts that may be.
    private static let texts: [StaticString] = ["Driver", "Name", "Propagation"]

    /// Lists and pointers that docker has as null where there is nothing.
    private static let lists: [StaticString] = [
        "Binds", "CapAdd", "CapDrop", "Cmd", "DeviceCgroupRules", "Entrypoint", "Env", "ExtraHosts", "Links", "OnBuild", "VolumesFrom",
    ]
    private static let pointers: [StaticString] = ["Health", "Healthcheck", "MemorySwappiness", "PidsLimit", "StopTimeout"]

    /// How Go prints an empty one of those.
    static func emptyText(_ name: String) -> String? {
        if lists.contains(where: { $0.equals(name) }) { return "[]" }
        return pointers.contains { $0.equals(name) } ? "<nil>" : maps.contains { $0.equals(name) } ? "map[]" : nil
    }

    /// What stands for a member that may be missing; nil for one that there is not.
    static func absent(_ name: String) -> JSONValue? {
        if optional.contains(where: { $0.equals(name) }) { return .null }
        return texts.contains { $0.equals(name) } ? "" : nil
    }
}
