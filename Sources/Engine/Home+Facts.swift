// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Images
package import JSON
import Linux
import OCI

extension Home {
    /// The versions of what works together here.
    package static func versions(program: String) -> JSONValue {
        [
            "Version": .string(program),
            "OCIRuntimeSpec": .string(Spec.version),
            "OCIImageSpec": "1.1.0",
            "Os": "linux",
            "Arch": .string(Platform.current.architecture),
            "KernelVersion": .string(Machine.kernelRelease),
        ]
    }

    /// What this machine offers and what is kept here, in docker's words where it has one.
    package func facts(program: String) throws(EngineError) -> JSONValue {
        let statuses = try glances().map(\.status)
        let hierarchy = try Hierarchy.machine()
        let store = try images()
        let count: Int
        do throws(ImageError) { count = Set(try store.list().map(\.manifestDigest)).count } catch { throw .image(error) }
        let ranges = try? UserRanges.configured()
        return [
            "Containers": .int(Int64(statuses.count)),
            "ContainersRunning": .int(Int64(statuses.count { $0 == .running })),
            "ContainersPaused": .int(Int64(statuses.count { $0 == .paused })),
            "ContainersStopped": .int(Int64(statuses.count { !$0.isGoingOn })),
            "Images": .int(Int64(count)),
            "Driver": "overlay",
            "LoggingDriver": "json-file",
            "CgroupDriver": "cgroupfs",
            "CgroupVersion": .string(hierarchy.mode.word),
            "SecurityOptions": .texts(
                (Machine.hasAppArmor ? ["name=apparmor"] : []) + ["name=seccomp,profile=builtin", "name=userns", "name=cgroupns"]),
            "UserRanges": ranges.map {
                ["FirstUser": .int(Int64($0.users)), "FirstGroup": .int(Int64($0.groups)), "Containers": .int(Int64($0.slots))]
            } ?? .null,
            "KernelVersion": .string(Machine.kernelRelease),
            "OperatingSystem": .string(Self.operatingSystem),
            "OSType": "linux",
            "Architecture": .string(Machine.hardware),
            "NCPU": .int(Int64(Machine.processors)),
            "MemTotal": .int(Int64(sysconf(CInt(_SC_PHYS_PAGES))) &* Int64(sysconf(CInt(_SC_PAGESIZE)))),
            "Name": .string(Machine.hostname),
            "DockerRootDir": .string(path),
            "ServerVersion": .string(program),
        ]
    }

    /// `PRETTY_NAME` of os-release(5).
    private static var operatingSystem: String {
        guard let bytes = try? FileDescriptor(opening: "/etc/os-release").readAll(limit: 65536) else { return "Linux" }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("PRETTY_NAME=") {
            return String(line.dropFirst(12).filter { $0 != "\"" })
        }
        return "Linux"
    }
}

extension Hierarchy.Mode {
    var word: String {
        switch self {
        case .none: "none"
        case .legacy: "1"
        case .hybrid: "1 and 2"
        case .unified: "2"
        }
    }
}
