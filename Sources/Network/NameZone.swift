// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// The names of one network, as aardvark-dns reads them: a first line of the addresses it answers at, then a line for each container.
/// The second line is ours: a name that is nobody's, and as its address a number that goes up with each change (see `UnreadZones`).
/// Kept as bytes: of two hundred lines one is changed, and the others are only stepped over.
package struct NameZone: Equatable, Sendable {
    /// Every line with its end.
    package private(set) var bytes: [UInt8]

    package struct Entry: Equatable, Sendable {
        /// The container's whole id.
        package var id: String
        package var addresses: [IPAddress]
        package var names: [String]
        /// Who is asked for other names; empty for the host's.
        package var servers: [IPAddress]

        package init(id: String, addresses: [IPAddress], names: [String], servers: [IPAddress] = []) {
            self.id = id
            self.addresses = addresses
            self.names = names
            self.servers = servers
        }

        /// `ID IPV4,… IPV6,… NAME,…`, and `SERVER,…` where there are any.
        fileprivate var line: String {
            let names = names.filter(Self.isName).joined(separator: ",")
            let line = "\(id) \(list(addresses.filter { $0.family == .v4 })) \(list(addresses.filter { $0.family == .v6 })) \(names)"
            return servers.isEmpty ? line : "\(line) \(list(servers))"
        }

        /// Nothing that would end a field or a line.
        private static func isName(_ name: String) -> Bool {
            !name.isEmpty && name.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: ",") }
        }
    }

    package init(gateways: [IPAddress]) { bytes = Array("\(list(gateways))\n".utf8) }

    /// Reads what `bytes` has.
    package init(_ bytes: [UInt8]) { self.bytes = bytes.last == Self.end ? bytes : bytes + [Self.end] }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package var isEmpty: Bool { line(after: headEnd) == nil }

    /// The containers that are known, by id.
    package var ids: [String] {
        var ids: [String] = []
        var start = headEnd
        while let line = line(after: start) {
            ids.append(String(decoding: bytes[line].prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self))
            start = line.upperBound
        }
        return ids
    }

    package mutating func set(_ entry: Entry) {
        remove(entry.id)
        bytes += Array("\(entry.line)\n".utf8)
    }

    /// True if it was there.
    @discardableResult
    package mutating func remove(_ id: String) -> Bool {
        guard let line = line(of: id) else { return false }
        bytes.removeSubrange(line)
        return true
    }

    /// Whether anybody has somebody else to find here, or asks somebody else than the host does, or asks at an address of IPv6.
    package var needsServer: Bool {
        guard let first = line(after: headEnd) else { return false }
        if line(after: first.upperBound) != nil { return true }
        return bytes[first].count(where: { $0 == UInt8(ascii: " ") }) > 3 || !bytes[..<headEnd].contains(UInt8(ascii: "."))
    }

    // MARK: the number of a change

    /// No container's name begins like this.
    static let serialName = "_serial"

    private static let serialStart = Array("serial ".utf8)

    /// Gives the zone its next number.
    mutating func advance() -> UInt32 {
        let place = serialLine
        let known = place.flatMap { bytes[$0].split(separator: UInt8(ascii: " "), maxSplits: 2).dropFirst().first }
        let last = known.flatMap { IPAddress(String(decoding: $0, as: UTF8.self)) }.map { UInt32(truncatingIfNeeded: $0.number) }
        // A zone that is made anew must not begin where one began that the server knows still.
        let next = ((last ?? UInt32(truncatingIfNeeded: Timestamp.now.nanoseconds >> 20)) &+ 1) & Self.serialMask
        let text = Array("serial \(IPAddress(.v4, UInt128(next)))  \(Self.serialName)\n".utf8)
        let start = line(after: 0)?.upperBound ?? 0
        bytes.replaceSubrange(place ?? start..<start, with: text)
        return next
    }

    /// In 0.0.0.0/8: nobody can ask from there, and be taken for who has the address.
    private static let serialMask: UInt32 = 0xff_ffff

    /// Whether a number that was answered is that one, or a later.
    static func isReached(_ serial: UInt32, by answer: UInt32) -> Bool { answer <= serialMask && (answer &- serial) & serialMask < 1 << 23 }

    /// Where the server answers, as far as we ask it.
    var gateway: IPAddress? {
        IPAddress(String(decoding: bytes.prefix { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: " ") && $0 != Self.end }, as: UTF8.self))
    }

    private var serialLine: Range<Int>? {
        guard let first = line(after: 0), let second = line(after: first.upperBound), bytes[second].starts(with: Self.serialStart) else {
            return nil
        }
        return second
    }

    // MARK: lines

    private static let end = UInt8(ascii: "\n")

    private var headEnd: Int { (serialLine ?? line(after: 0))?.upperBound ?? 0 }

    /// That of a container. Each start and each end looks for one among hundreds, so it is found without a slice for each.
    private func line(of id: String) -> Range<Int>? {
        var word = id + " "
        return word.withUTF8 { word in
            bytes.withUnsafeBytes { raw in
                guard let base = raw.baseAddress, let text = word.baseAddress else { return nil }
                var start = headEnd
                while let line = line(after: start) {
                    if line.count >= word.count, memcmp(base + line.lowerBound, text, word.count) == 0 { return line }
                    start = line.upperBound
                }
                return nil
            }
        }
    }

    /// The line that begins there, its end included; nil behind the last. By `memchr(3)`: a zone is read a few times at each start.
    private func line(after start: Int) -> Range<Int>? {
        bytes.withUnsafeBytes { raw in
            guard let base = raw.baseAddress, start < raw.count else { return nil }
            guard let found = memchr(base + start, CInt(Self.end), raw.count - start) else { return start..<raw.count }
            return start..<(base.distance(to: UnsafeRawPointer(found)) + 1)
        }
    }
}

private func list(_ addresses: [IPAddress]) -> String { addresses.map(\.description).joined(separator: ",") }
