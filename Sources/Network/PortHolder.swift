// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// The process that has a port of this machine, in words for people: `nginx (process 812)`.
package struct PortHolder: CustomStringConvertible {
    package let description: String

    /// Looks through the kernel's table of sockets and then through all processes, so it is for when something went wrong.
    package init?(of ports: PublishedPorts) {
        guard let inode = Self.inode(ports), let process = Self.process(inode) else { return nil }
        description = "\(process.name) (process \(process.pid))"
    }

    /// Whether any socket has one of the ports.
    package static func isBound(_ ports: PublishedPorts) -> Bool { inode(ports) != nil }

    private static func inode(_ ports: PublishedPorts) -> String? {
        for suffix in ["", "6"] {
            guard let table = try? File.readKernel("/proc/thread-self/net/\(ports.transport.rawValue)\(suffix)") else { continue }
            for line in table.split(separator: "\n").dropFirst() {
                // Number, address:port, peer, state, queues, timer, retransmissions, uid, timeout, inode.
                let fields = line.split(separator: " ")
                guard fields.count > 9, let colon = fields[1].lastIndex(of: ":"),
                    let port = UInt16(fields[1][fields[1].index(after: colon)...], radix: 16), ports.hostPorts.contains(port)
                else { continue }
                // 0A is LISTEN; what has no connections has no such state.
                guard ports.transport != .tcp || fields[3] == "0A" else { continue }
                let address = fields[1][..<colon]
                guard ports.isAnywhere || address.allSatisfy({ $0 == "0" }) || address == hexadecimal(ports.address) else { continue }
                return String(fields[9])
            }
        }
        return nil
    }

    /// As the table has it: words of 32 bits in the machine's order.
    private static func hexadecimal(_ address: IPAddress) -> Substring {
        var text = ""
        let bytes = address.bytes
        for word in stride(from: 0, to: bytes.count, by: 4) {
            for byte in bytes[word..<(word + 4)].reversed() { text += (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true) }
        }
        return text[...]
    }

    private static func process(_ inode: String) -> (pid: String, name: String)? {
        let link = "socket:[\(inode)]"
        guard let processes = try? FileDescriptor(opening: "/proc", .directory).entries() else { return nil }
        for process in processes where process.name.utf8.allSatisfy({ (48...57).contains($0) }) {
            guard let folder = try? FileDescriptor(opening: "/proc/\(process.name)/fd", .directory), let open = try? folder.entries() else {
                continue
            }
            let has = open.contains { (try? folder.place.readLink($0.name, limit: 64)).map { String(decoding: $0, as: UTF8.self) } == link }
            guard has, let name = try? File.readKernel("/proc/\(process.name)/comm") else { continue }
            return (process.name, String(name.prefix { $0 != "\n" }))
        }
        return nil
    }
}
