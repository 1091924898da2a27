// SPDX-License-Identifier: Apache-2.0
package import OCI

/// What the runtime spec promises every container (config-linux.md, "Default Devices"): nodes in `/dev`, and leave to use them.
package enum DefaultDevices {
    /// Major and minor numbers of the kernel's `admin-guide/devices.txt`.
    static let nodes: [DeviceSetup] = [
        DeviceSetup("/dev/null", 1, 3), DeviceSetup("/dev/zero", 1, 5), DeviceSetup("/dev/full", 1, 7), DeviceSetup("/dev/random", 1, 8),
        DeviceSetup("/dev/urandom", 1, 9), DeviceSetup("/dev/tty", 5, 0),
    ]

    /// The nodes above; terminals, which `ptmx` makes; and making any node, which gives no access by itself. As in runc and crun.
    package static var rules: [Spec.Resources.DeviceRule] {
        nodes.map { rule(Int64($0.major), Int64($0.minor)) } + [rule(5, 2), rule(136, nil)] + [
            Spec.Resources.DeviceRule(allow: true, type: .character, access: "m"),
            Spec.Resources.DeviceRule(allow: true, type: .block, access: "m"),
        ]
    }

    private static func rule(_ major: Int64, _ minor: Int64?) -> Spec.Resources.DeviceRule {
        Spec.Resources.DeviceRule(allow: true, type: .character, major: major, minor: minor, access: "rwm")
    }

    static let links: [(path: StaticString, target: StaticString)] = [
        ("/dev/fd", "/proc/self/fd"), ("/dev/stdin", "/proc/self/fd/0"), ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"), ("/dev/ptmx", "pts/ptmx"),
    ]
}

extension DeviceSetup {
    fileprivate init(_ path: String, _ major: UInt32, _ minor: UInt32) {
        self.init(path: path, kind: .character, major: major, minor: minor, mode: 0o666, user: 0, group: 0, hostPath: path)
    }
}
