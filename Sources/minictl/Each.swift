// SPDX-License-Identifier: Apache-2.0
import CLI
import Linux

/// A command's work on several things: all are tried, each that worked is printed as it was given, each that failed in a line of its own.
struct Each {
    private(set) var status: Int32 = 0

    init() {}

    /// Does it to each of `words`, and gives the exit status: 1 if any failed.
    static func of(_ words: [String], prints: Bool = true, _ body: (String) throws -> Void) throws -> Int32 {
        var each = Each()
        for word in words {
            do { try body(word) } catch let error as SystemError where error.isBrokenPipe { throw error } catch {
                each.failed(error)
                continue
            }
            if prints { try each.worked(word) }
        }
        return each.status
    }

    func worked(_ word: String) throws(SystemError) { try Output.standard.write("\(escapeVisible(word))\n") }

    mutating func failed(_ error: any Error) {
        status = 1
        note(error)
    }

    /// Says it, and counts it as no failure.
    func note(_ error: any Error) {
        // There is nobody left to tell when standard error is closed too.
        try? Output.error.write("minictl: \(escapeVisible("\(error)"))\n")
    }
}
