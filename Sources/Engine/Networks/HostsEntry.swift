// SPDX-License-Identifier: Apache-2.0
package import Network

/// One `--add-host`: a name and its address.
package struct HostsEntry: Sendable {
    package let name: String
    /// Nil is this machine, as the container reaches it: `host-gateway`.
    package let address: IPAddress?

    /// Reads `NAME:ADDRESS` and `NAME=ADDRESS`, one of IPv6 in brackets or not. Nil for anything else.
    package init?(_ text: String) {
        guard let separator = text.utf8.firstIndex(where: { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "=") }) else { return nil }
        name = String(text[..<separator])
        var word = text[text.utf8.index(after: separator)...]
        guard !name.isEmpty, name.utf8.count <= 253, name.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "#") }) else {
            return nil
        }
        if word == "host-gateway" {
            address = nil
            return
        }
        if word.hasPrefix("["), word.hasSuffix("]") { word = word.dropFirst().dropLast() }
        guard let address = IPAddress(word) else { return nil }
        self.address = address
    }
}
