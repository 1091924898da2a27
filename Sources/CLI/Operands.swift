// SPDX-License-Identifier: Apache-2.0

/// The operands of a command, written as its usage line has them: `CONTAINER [COMMAND] [ARG...]`.
/// How many are needed and allowed is read from that text.
package struct Operands: Sendable, ExpressibleByStringLiteral {
    let text: StaticString

    package init(stringLiteral text: StaticString) { self.text = text }

    /// The fewest and the most operands; nil where there is no upper limit.
    var limits: (least: Int, most: Int?) {
        var least = 0
        var words = 0
        var isOpen = false
        text.withUTF8Buffer { bytes in
            var isStart = true
            for byte in bytes {
                if isStart {
                    words += 1
                    if byte != UInt8(ascii: "[") { least += 1 }
                }
                isStart = byte == UInt8(ascii: " ")
                if byte == UInt8(ascii: ".") { isOpen = true }
            }
        }
        return (least, isOpen ? nil : words)
    }

    func check(_ count: Int) throws(UsageError) {
        let limits = limits
        if count < limits.least {
            throw UsageError(
                "needs \(limits.least == limits.most ? "" : "at least ")\(plural(limits.least)) (\(text)), got \(count)", exitStatus: nil)
        }
        guard let most = limits.most, count > most else { return }
        throw UsageError(
            most == 0 ? "takes no arguments, got \(count)" : "takes at most \(plural(most)) (\(text)), got \(count)", exitStatus: nil)
    }

    private func plural(_ count: Int) -> String { count == 1 ? "1 argument" : "\(count) arguments" }
}
