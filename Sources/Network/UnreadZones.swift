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
    /// How long to ask, for all together. Where nobody else has work the server reads for 0.8 ms, and then answers in 0.1.
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
            usleep(100)
            if MonotonicClock.milliseconds >= end { return false }
            pause = min(pause * 2, 16)
        }
    }
}
