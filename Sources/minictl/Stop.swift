// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Linux

/// What `stop` and `restart` have in common.
struct StopOptions: OptionGroup {
    static var options: [CommandOption<Self>] {
        [
            .text("-s, --signal SIGNAL", "what to send (default the container's, else TERM)") { $0.request.signal = try Signal(word: $1) },
            .text("-t, --timeout SECONDS", "how long to wait before killing (default the container's, else 10); -1 for ever") {
                $0.request.seconds = Int(try Int32(word: $1, in: -1...Int32.max))
            },
            .text("--time SECONDS", "the same under its old name", hidden: true) {
                $0.request.seconds = Int(try Int32(word: $1, in: -1...Int32.max))
            },
        ]
    }

    var request = StopRequest()
}

struct Stop: Command {
    static let name: StaticString = "stop"
    static let summary: StaticString = "ask containers to stop, and kill those that do not"
    static let operands: Operands = "CONTAINER [CONTAINER...]"
    static let examples = [Example("minictl stop -t 30 db web", "both at once, with half a minute to finish")]
    static var options: [CommandOption<Self>] { StopOptions.options.lifted { try $1(&$0.stop) } }

    var stop = StopOptions()

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        try home.sweep()
        return try home.stopEach(arguments, stop.request) { word, each in try each.worked(word) }
    }
}

extension Home {
    /// Stops several and says who held out; `ended` is told of each that has stopped.
    func stopEach(_ words: [String], _ request: StopRequest, ended: (String, inout Each) throws -> Void) throws -> Int32 {
        var each = Each()
        var failure: (any Error)?
        try stop(words, request) { event in
            do {
                switch event {
                case .ended(let word): try ended(word, &each)
                case .failed(_, let error): each.failed(error)
                case .heldOut: event.tell()
                }
            } catch { failure = error }
        }
        if let failure { throw failure }
        return each.status
    }
}

extension StopRequest.Event {
    /// Says who held out, if somebody did.
    func tell() {
        guard case .heldOut(let word, let processes, let signal, let seconds) = self else { return }
        // There is nobody left to tell when standard error is closed.
        try? Output.error.write(
            "minictl: \(escapeVisible(word)): \(escapeVisible(processes)) held out against \(signal) for \(seconds) s and was killed\n")
    }
}
