// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux

/// Places in /proc and /sys that are the host's and not the container's: all that docker or podman hide or protect.
package enum DefaultPaths {
    /// Covered by /dev/null or an empty directory. A path that does not exist on this kernel is no error.
    package static func masked() throws(SystemError) -> [String] {
        try [
            "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
            "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
            "/sys/dev/block", "/sys/devices/virtual/powercap", "/sys/firmware", "/sys/fs/selinux",
        ] + thermalThrottle()
    }

    /// May be read. `/proc/asound`, which podman has here, is masked above.
    package static var readOnly: [String] { ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"] }

    /// One directory for each processor that has it: its counters tell what others compute (GHSA-6fw5-f8r9-fgfm).
    private static func thermalThrottle() throws(SystemError) -> [String] {
        let processors = "/sys/devices/system/cpu"
        // Virtual machines have none, and the first processor stands for all.
        guard access("\(processors)/cpu0/thermal_throttle", F_OK) == 0 else { return [] }
        let numbered = try FileDescriptor(opening: processors, .directory).entries().map(\.name).filter { name in
            name.hasPrefix("cpu") && name.utf8.count > 3 && name.utf8.dropFirst(3).allSatisfy { 48...57 ~= $0 }
        }
        return numbered.map { "\(processors)/\($0)/thermal_throttle" }.filter { access($0, F_OK) == 0 }
    }
}
