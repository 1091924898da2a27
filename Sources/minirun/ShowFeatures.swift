// SPDX-License-Identifier: Apache-2.0
import CLI
import JSON
import Linux
import OCI

struct ShowFeatures: Command {
    static let name: StaticString = "features"
    static let summary: StaticString = "show what this runtime can do, for engines"

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        try Output.standard.write(json: Features.own, isPretty: true)
        return 0
    }
}

extension Features {
    /// What is built in, whether or not this machine has it (features.md).
    static var own: Features {
        Features(
            ociVersionMin: "1.0.0", hooks: ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
            mountOptions: mountWords,
            linux: Linux(
                namespaces: Spec.Linux.Namespace.Kind.allCases, capabilities: CapabilitySet.all.names,
                cgroup: Cgroup(v1: true, v2: true, systemd: false, systemdUser: false, rdma: true),
                seccomp: Seccomp(
                    enabled: true, actions: Spec.Seccomp.Action.allCases, operators: Spec.Seccomp.Operator.allCases,
                    archs: Spec.Seccomp.Architecture.allCases, knownFlags: Spec.Seccomp.Flag.allCases,
                    supportedFlags: Spec.Seccomp.Flag.allCases),
                apparmor: Support(enabled: true), selinux: Support(enabled: true), intelRdt: IntelRdt(enabled: false),
                mountExtensions: MountExtensions(idmap: Support(enabled: true)), netDevices: Support(enabled: false)))
    }

    /// Those that the runtime reads itself; what it does not know goes to the file system.
    static let mountWords = [
        "async", "atime", "bind", "defaults", "dev", "diratime", "exec", "idmap", "noatime", "nodev", "nodiratime", "noexec", "norelatime",
        "nostrictatime", "nosuid", "nosymfollow", "private", "ratime", "rbind", "rdev", "rdiratime", "relatime", "rexec", "ridmap",
        "rnoatime",
        "rnodev", "rnodiratime", "rnoexec", "rnorelatime", "rnostrictatime", "rnosuid", "rnosymfollow", "ro", "rprivate", "rrelatime",
        "rro", "rrw", "rshared", "rslave",
        "rstrictatime", "rsuid", "rsymfollow", "runbindable", "rw", "shared", "silent", "slave", "strictatime", "suid", "symfollow",
        "tmpcopyup", "unbindable",
    ]
}
