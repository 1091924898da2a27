// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
import Linux

/// Zones that were changed, until the name server has read them.
///
/// It is told by a signal and says nothing back, so it is asked: each zone has a name that no container can have, and the address that goes
/// with it is a number which is another after each change.
package struct UnreadZones: Sendable {
    private(set) var zones: [(gateway: IPAddress, serial: UInt32)] = []
    /// How long to ask, for all together. Reading takes 0.8 ms where nobody else has work, and so does an answer once that is done 0.1.
    var milliseconds: Int64 = 200

    package init() {}

    mutating func add(_ gateway: IPAddress, _ serial: UInt32) {
        zones.removeAll { $0.gateway == gateway }
        zones.append((gateway, serial))
    }

    /// Waits until all have been read. False if that cannot be learned in time; whoever asks for a name then finds out for themselves.
    @discardableResult
    package func awaitReading() -> Bool {
        let end = MonotonicClock.milliseconds + milliseconds
        for zone in zones {
            guard (try? Self.awaitReading(zone.serial, at: zone.gateway, until: end)) == true else { return false }
        }
        return true
    }

    private static func awaitReading(_ serial: UInt32, at gateway: IPAddress, until end: Int64) throws(SystemError) -> Bool {
        let type = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = FileDescriptor(owning: try check("socket") { Glibc.socket(gateway.family.number, type, 0) })
        var address = SocketAddress(gateway, 53)
        try check("connect") { address.withPointer { connect(socket.raw, $0, $1) } }
        var pause: CInt = 1
        var number = UInt16(truncatingIfNeeded: serial)
        while true {
            number &+= 1
            let query = ZoneQuery(number: number)
            if send(socket.raw, query.bytes, query.bytes.count, CInt(MSG_DONTWAIT)) >= 0 {
                // A question that comes while it lets go of its sockets, to make new ones, is lost.
                var entries = [PollEntry(socket.raw, .readable)]
                while try entries.wait(milliseconds: pause), entries[0].ready == .readable {
                    var buffer = [UInt8](repeating: 0, count: 512)
                    let count = recv(socket.raw, &buffer, buffer.count, CInt(MSG_DONTWAIT))
                    guard count > 0 else { break }
                    let answers = query.answers(in: buffer[..<count])
                    if answers.contains(where: { NameZone.isReached(serial, by: $0) }) { return true }
                    if !answers.isEmpty { break }
                }
            }
            // Refused at once: it has no socket now. Answered with the number before: it has not come to it yet.
            usleep(200)
            if MonotonicClock.milliseconds >= end { return false }
            pause = min(pause * 2, 16)
        }
    }
}

/// A question for the number of a zone, and what is answered (RFC 1035).
struct ZoneQuery {
    let bytes: [UInt8]

    /// - Parameter number: which the answer has too.
    init(number: UInt16) {
        let name = Array(NameZone.serialName.utf8)
        // Recursion is not desired, nobody else is to be asked; one question, for an address (A) of the internet (IN).
        bytes =
            [UInt8(number >> 8), UInt8(number & 0xff), 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, UInt8(truncatingIfNeeded: name.count)] + name
            + [0, 0, 1, 0, 1]
    }

    /// The addresses that a message answers this with; none if it is about anything else. Whether it calls itself an answer is not looked
    /// at: aardvark-dns 1.4 does not.
    func answers(in message: ArraySlice<UInt8>) -> [UInt32] {
        let message = Array(message)
        func short(_ offset: Int) -> Int { offset + 1 < message.count ? Int(message[offset]) << 8 | Int(message[offset + 1]) : 0 }
        // The question comes back as it was, behind a header of twelve bytes.
        guard message.count > bytes.count, message[..<2] == bytes[..<2], short(4) == 1, message[12..<bytes.count] == bytes[12...] else {
            return []
        }
        var found: [UInt32] = []
        var next = bytes.count
        for _ in 0..<short(6) where next < message.count {
            // The name: labels to an empty one, or to a reference to another place, of two bytes.
            while next < message.count, message[next] & 0xc0 == 0, message[next] != 0 { next += Int(message[next]) + 1 }
            guard next < message.count else { break }
            next += message[next] == 0 ? 1 : 2
            // Type, class, time to live, length, and the address.
            let length = short(next + 8)
            if short(next) == 1, short(next + 2) == 1, length == 4, next + 14 <= message.count {
                found.append(UInt32(short(next + 10)) << 16 | UInt32(short(next + 12)))
            }
            next += 10 + length
        }
        return found
    }
}
