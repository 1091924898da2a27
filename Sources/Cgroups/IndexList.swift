// SPDX-License-Identifier: Apache-2.0

/// CPUs or memory nodes in the "list format" of cpuset(7), `0-3,7`; sorted and joined.
package struct IndexList: Equatable, Sendable {
    package let ranges: [ClosedRange<Int>]

    package enum Invalid: Error, Equatable {
        case syntax(String)
        case tooLarge(String)
    }

    /// Linux can be built for 8192 CPUs at most, and for 1024 nodes.
    private static let limit = 8192

    package init(_ text: String) throws(Invalid) {
        var ranges: [ClosedRange<Int>] = []
        for part in text.split(whereSeparator: { $0 == "," || $0 == "\n" }) {
            let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            guard let low = ends.first, let high = ends.last, Self.isNumber(low), Self.isNumber(high) else { throw .syntax(text) }
            guard let first = Int(low), let last = Int(high), first < Self.limit, last < Self.limit else { throw .tooLarge(text) }
            guard first <= last else { throw .syntax(text) }
            ranges.append(first...last)
        }
        guard !ranges.isEmpty else { throw .syntax(text) }
        ranges.sort { $0.lowerBound < $1.lowerBound }
        var joined: [ClosedRange<Int>] = []
        for range in ranges {
            if let last = joined.last, range.lowerBound <= last.upperBound + 1 {
                joined[joined.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        self.ranges = joined
    }

    private static func isNumber(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    }
}

extension IndexList: CustomStringConvertible {
    package var description: String {
        ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
    }
}

extension IndexList.Invalid: CustomStringConvertible {
    package var description: String {
        switch self {
        case .syntax(let text): "\(text.debugDescription) is not a list like 0-3,7"
        case .tooLarge(let text): "\(text.debugDescription) names more than Linux can number, which is 0 to 8191"
        }
    }
}
