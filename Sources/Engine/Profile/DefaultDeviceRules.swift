// SPDX-License-Identifier: Apache-2.0
package import OCI

/// The devices that every container has, as nodes in /dev and as rules of the devices cgroup.
package enum DefaultDevices {
    /// Major and minor numbers of the kernel's `admin-guide/devices.txt`.
    private static let memory: [(name: String, minor: Int64)] = [
        ("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9),
    ]

    /// World-writable nodes; `console`, `ptmx` and the links to /proc/self/fd are not devices of their own.
    package static var nodes: [Spec.Linux.Device] {
        memory.map { node($0.name, 1, $0.minor) } + [node("tty", 5, 0)]
    }

    private static func node(_ name: String, _ major: Int64, _ minor: Int64) -> Spec.Linux.Device {
        Spec.Linux.Device(path: "/dev/\(name)", type: .character, major: major, minor: minor, fileMode: 0o666, uid: 0, gid: 0)
    }

    /// Nothing; then making any node, which is no use without opening it; then the nodes above, the console and terminals.
    package static var rules: [Spec.Resources.DeviceRule] {
        let terminals: [(Int64, Int64?)] = [(5, 0), (5, 1), (5, 2), (136, nil)]
        return [
            .init(allow: false, access: "rwm"),
            .init(allow: true, type: .character, access: "m"),
            .init(allow: true, type: .block, access: "m"),
        ]
            + memory.map { .init(allow: true, type: .character, major: 1, minor: $0.minor, access: "rwm") }
            + terminals.map { .init(allow: true, type: .character, major: $0.0, minor: $0.1, access: "rwm") }
    }
}
