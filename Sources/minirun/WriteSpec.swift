// SPDX-License-Identifier: Apache-2.0
import CLI
import JSON
import Linux
import OCI

struct WriteSpec: Command {
    static let name: StaticString = "spec"
    static let summary: StaticString = "write a config.json to start from"
    static var options: [CommandOption<Self>] {
        [.text("-b, --bundle DIR", "the folder to write it into (default the working directory)") { $0.bundle = $1 }]
    }
    var bundle = "."

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let text = try JSONEncoder(pretty: true).encode(Spec.template) + [10]
        do {
            try FileDescriptor(opening: bundle + "/config.json", [.writeOnly, .create, .exclusive], mode: 0o644).write(text)
        } catch {
            throw SystemError(call: "write", subject: "\(bundle)/config.json", errno: error.errno)
        }
        return 0
    }
}

extension Spec {
    /// A shell in `rootfs` with few rights, as `runc spec` writes it.
    static var template: Spec {
        let capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
        return Spec(
            process: Process(
                terminal: true, args: ["sh"], env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
                cwd: "/", capabilities: Process.Capabilities(bounding: capabilities, effective: capabilities, permitted: capabilities),
                rlimits: [Process.Rlimit(type: "RLIMIT_NOFILE", soft: 1024, hard: 1024)], noNewPrivileges: true),
            root: Root(path: "rootfs", readonly: true), hostname: "minirun", mounts: templateMounts,
            linux: Linux(
                namespaces: templateNamespaces.map { Linux.Namespace(type: $0) },
                resources: Resources(devices: [Resources.DeviceRule(allow: false, access: "rwm")]),
                maskedPaths: [
                    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                    "/proc/sched_debug",
                    "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
                ],
                readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]))
    }

    /// With cgroup version 1 a namespace of its own is rarely wanted, and runc leaves it out.
    private static var templateNamespaces: [Linux.Namespace.Kind] {
        let isUnified = (try? FileStatus(of: "/sys/fs/cgroup/cgroup.controllers")) != nil
        return [.pid, .network, .ipc, .uts, .mount] + (isUnified ? [.cgroup] : [])
    }

    private static var templateMounts: [Mount] {
        let closed = ["nosuid", "noexec", "nodev"]
        return [
            Mount(destination: "/proc", type: "proc", source: "proc", options: closed),
            Mount(destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            Mount(
                destination: "/dev/pts", type: "devpts", source: "devpts",
                options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            Mount(destination: "/dev/shm", type: "tmpfs", source: "shm", options: closed + ["mode=1777", "size=65536k"]),
            Mount(destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: closed),
            Mount(destination: "/sys", type: "sysfs", source: "sysfs", options: closed + ["ro"]),
            Mount(destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: closed + ["relatime", "ro"]),
        ]
    }
}
