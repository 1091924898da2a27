// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension Request {
    /// The time zone as podman gives it: this machine's file of that zone as `/etc/localtime`, which programs of every C library read where
    /// `TZ` does not say otherwise. An image need not know any zone.
    func zoneMount() throws(EngineError) -> MountRequest? {
        guard let zone = timeZone else { return nil }
        var mount = MountRequest(kind: .bind(source: try Self.file(of: zone), createsSource: false), destination: "/etc/localtime")
        mount.isReadOnly = true
        return mount
    }

    private static func file(of zone: String) throws(EngineError) -> String {
        let path = zone == "local" ? "/etc/localtime" : "\(folder)/\(zone)"
        guard zone == "local" || isName(zone), isZone(path) else {
            if zone == "local" { throw .refused("this machine has no time zone: there is no /etc/localtime") }
            throw .refused("unknown time zone '\(zone)': it is a name such as Europe/Berlin, of a file in \(folder), or local")
        }
        return path
    }

    private static let folder = "/usr/share/zoneinfo"

    private static func isName(_ zone: String) -> Bool {
        !zone.isAbsolutePath && !zone.utf8.contains(0) && !zone.pathComponents.isEmpty && !zone.pathComponents.contains("..")
    }

    /// Lists and tables lie among the zones (`tzfile(5)`).
    private static func isZone(_ path: String) -> Bool {
        guard let file = try? FileDescriptor(opening: path, [.nonBlocking]), (try? file.status().kind) == .regular,
            let head = try? file.read(atMost: 4)
        else { return false }
        return head.elementsEqual("TZif".utf8)
    }
}
