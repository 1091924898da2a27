// SPDX-License-Identifier: Apache-2.0

/// One line of `uid_map` or `gid_map` (`user_namespaces(7)`): `size` ids from `container` on are the host's from `host` on.
package struct IDRange: Sendable, Equatable {
    package let container: UInt32
    package let host: UInt32
    package let size: UInt32

    package init(container: UInt32, host: UInt32, size: UInt32) {
        self.container = container
        self.host = host
        self.size = size
    }
}

/// An ordered list of ranges.
package struct IDMap: Sendable, Equatable {
    package let ranges: [IDRange]
    package init(_ ranges: [IDRange]) { self.ranges = ranges }

    /// The host's id for one of the container's; nil if it has none.
    package func host(_ id: UInt32) -> UInt32? {
        for range in ranges where id >= range.container && id - range.container < range.size {
            return range.host &+ (id - range.container)
        }
        return nil
    }

    /// Reads what the kernel shows in `uid_map`, `gid_map`.
    package init(text: String) {
        ranges = text.split(separator: "\n").compactMap { line in
            let numbers = line.split(separator: " ").compactMap { UInt32($0) }
            return numbers.count == 3 ? IDRange(container: numbers[0], host: numbers[1], size: numbers[2]) : nil
        }
    }

    /// Text for `uid_map`, `gid_map`.
    package var text: String { ranges.map { "\($0.container) \($0.host) \($0.size)\n" }.joined() }
}
