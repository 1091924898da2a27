// SPDX-License-Identifier: Apache-2.0
package import OCI

/// The file systems that every container has besides its root, in the order in which they are mounted.
package enum DefaultMounts {
    /// `shmSize` is in bytes: docker's default is 64 MiB.
    package static func mounts(shmSize: UInt64 = 67_108_864) -> [Spec.Mount] {
        [
            mount("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]),
            // Programs have no place here: noexec, as podman has it.
            mount("/dev", "tmpfs", "tmpfs", ["nosuid", "noexec", "strictatime", "mode=755", "size=65536k"]),
            // gid 5 is `tty`; 0620 lets write(1) and wall(1) reach a terminal through it. Of the 3072 terminals that the kernel has for all
            // containers together, one of them must not take all.
            mount("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5", "max=512"]),
            mount("/dev/shm", "tmpfs", "shm", ["nosuid", "noexec", "nodev", "mode=1777", "size=\(shmSize)"]),
            mount("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
            mount("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", "ro"]),
            // The container's own cgroup alone, and not to be written: CVE-2022-0492.
            mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "relatime", "ro"]),
        ]
    }

    private static func mount(_ destination: String, _ type: String, _ source: String, _ options: [String]) -> Spec.Mount {
        Spec.Mount(destination: destination, type: type, source: source, options: options)
    }
}
