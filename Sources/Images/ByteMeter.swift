// SPDX-License-Identifier: Apache-2.0

/// Is told of bytes as they pass, for somebody who waits to be shown how far it is.
package final class ByteMeter {
    private let passed: (Int) -> Void

    /// - Parameter passed: told of each piece, some thousand times a second: it has to be quick.
    package init(_ passed: @escaping (Int) -> Void) { self.passed = passed }

    package func pass(_ count: Int) { passed(count) }
}
