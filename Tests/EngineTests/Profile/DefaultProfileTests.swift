// SPDX-License-Identifier: Apache-2.0
import Engine
import Glibc
import OCI
import Testing

@Suite struct DefaultProfileTests {
    @Test("Every mount comes after the one it lies on")
    func mounts() {
        let places = DefaultMounts.mounts().map(\.destination)
        for (index, place) in places.enumerated() {
            #expect(!places[index...].dropFirst().contains { place.hasPrefix($0 + "/") })
        }
        #expect(Set(places).count == places.count)
    }

    @Test("Only /dev holds devices, nothing default is executable, and what is the host's is read-only")
    func options() throws {
        for mount in DefaultMounts.mounts() {
            let options = try #require(mount.options)
            #expect(options.contains("nosuid") && options.contains("noexec"))
            #expect(options.contains("nodev") || mount.destination == "/dev" || mount.destination == "/dev/pts")
            #expect(options.contains("ro") == mount.destination.hasPrefix("/sys"))
        }
        #expect(DefaultMounts.mounts(shmSize: 4096).contains { $0.options?.contains("size=4096") == true })
    }

    @Test("Masked and read-only paths do not overlap, and each processor's counters are masked where there are any")
    func paths() throws {
        let masked = try DefaultPaths.masked()
        #expect(Set(masked).isDisjoint(with: DefaultPaths.readOnly))
        #expect(Set(masked).isSuperset(of: ["/proc/kcore", "/proc/keys", "/sys/firmware", "/sys/devices/virtual/powercap"]))
        let throttle = "/sys/devices/system/cpu/cpu0/thermal_throttle"
        #expect(masked.contains(throttle) == (access(throttle, F_OK) == 0))
    }

    @Test("Device rules begin with a refusal of everything and allow each node")
    func devices() throws {
        let rules = DefaultDeviceRules.list
        #expect(rules.first == .init(allow: false, access: "rwm"))
        #expect(rules.dropFirst().allSatisfy { $0.allow })
        for (major, minor) in [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2), (136, nil)] as [(Int64, Int64?)] {
            #expect(rules.contains { $0.major == major && $0.minor == minor && $0.access == "rwm" }, "\(major)")
        }
        #expect(!rules.contains { $0.type == .block && $0.access != "m" })
    }

    @Test("Fourteen capabilities, none of which reaches the host")
    func capabilities() {
        let names = Set(DefaultCapabilities.names)
        #expect(names.count == 14)
        #expect(names.isDisjoint(with: ["CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_DAC_READ_SEARCH"]))
    }
}
