// SPDX-License-Identifier: Apache-2.0
package import JSON
import Linux

/// What `/etc/resolv.conf` says (`resolv.conf(5)`): who is asked, where else short names are looked for, and how.
package struct ResolverFile: Equatable, Sendable {
    /// Addresses; with IPv6 perhaps with a zone.
    package var servers: [String] = []
    package var search: [String] = []
    package var options: [String] = []

    package init() {}

    /// Reads the file. Lines it does not know are passed over, as the C library does; of several `search` or `domain` lines the last counts.
    package init(_ text: String) {
        // A line that ends as Windows has it is one character to Swift.
        for line in text.split(whereSeparator: \.isNewline) {
            guard let first = line.utf8.first, first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else { continue }
            let words = line.split { $0 == " " || $0 == "\t" || $0 == "\r" }.map(String.init)
            guard let keyword = words.first, words.count > 1 else { continue }
            switch keyword {
            case "nameserver": servers.append(words[1])
            case "search": search = Array(words.dropFirst())
            case "domain": search = [words[1]]
            case "options": options += words.dropFirst()
            default: break
            }
        }
    }

    package var text: String {
        var lines = servers.map { "nameserver \($0)" }
        if !search.isEmpty { lines.append("search " + search.joined(separator: " ")) }
        if !options.isEmpty { lines.append("options " + options.joined(separator: " ")) }
        return lines.map { $0 + "\n" }.joined()
    }

    /// Those servers that can be asked from another network namespace: not the loopback, and none that a link's name belongs to.
    package var reachableServers: [String] { servers.filter { IPAddress($0).map { !$0.isLoopback && $0.number != 0 } ?? false } }
}

extension IPAddress {
    /// 127.0.0.0/8 or `::1`.
    package var isLoopback: Bool { family == .v4 ? number >> 24 == 127 : number == 1 }
}

extension ResolverFile: JSONRecord {
    package init(_ blank: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("servers", &servers)
        try json("search", &search)
        try json("options", &options)
    }
}
