// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// What becomes of a signal that is sent to a container's first process.
enum SignalDisposition: Equatable {
    /// The process hears it, or can be expected to end by it.
    case heard
    /// The process is the first of its pid namespace and has no handler: the kernel drops the signal (`pid_namespaces(7)`).
    case dropped

    /// Where it cannot be found out, it counts as heard.
    init(of signal: Signal, to pid: pid_t) {
        self = .heard
        guard let threads = try? FileDescriptor(opening: "/proc/\(pid)/task", [.directory]), let entries = try? threads.entries() else {
            return
        }
        for entry in entries where Self.hears(signal, thread: entry.name, at: threads.place) { return }
        self = .dropped
    }

    private static func hears(_ signal: Signal, thread: String, at tasks: Place) -> Bool {
        // Looked at on both sides of the mask: within the call the mask does not have what the thread waits for, outside of it it has.
        if waitsForSignals(thread, tasks) { return true }
        guard let text = try? File.readKernel("\(thread)/status", at: tasks), let status = ThreadStatus(text) else { return true }
        return status.hears(signal) || waitsForSignals(thread, tasks)
    }

    /// Whether a thread is in `rt_sigtimedwait(2)`, as small inits are. Who may not look must assume so.
    private static func waitsForSignals(_ thread: String, _ tasks: Place) -> Bool {
        guard let text = try? File.readKernel("\(thread)/syscall", at: tasks) else { return true }
        return text.split(whereSeparator: { $0 == " " || $0 == "\n" }).first.map { $0 == sigtimedwaitNumber } ?? true
    }

    #if arch(x86_64)
    private static let sigtimedwaitNumber = "128"
    #else
    private static let sigtimedwaitNumber = "137"
    #endif
}

/// The fields of `/proc/PID/status` that tell what a thread does with signals.
struct ThreadStatus: Equatable {
    var caught: UInt64 = 0
    var ignored: UInt64 = 0
    var blocked: UInt64 = 0
    /// Its number in its own pid namespace.
    var innerPid: pid_t = 0

    init?(_ text: String) {
        var found = 0
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].split(whereSeparator: { $0 == "\t" || $0 == " " })
            guard let last = value.last else { continue }
            switch line[..<colon] {
            case "SigCgt": caught = UInt64(last, radix: 16) ?? 0
            case "SigIgn": ignored = UInt64(last, radix: 16) ?? 0
            case "SigBlk": blocked = UInt64(last, radix: 16) ?? 0
            case "NStgid": innerPid = pid_t(last) ?? 0
            default: continue
            }
            found += 1
        }
        guard found == 4 else { return nil }
    }

    /// A blocked signal is kept for who will take it; one that is ignored on purpose is left to time; only the first process of a
    /// namespace is spared what the signal does by itself.
    func hears(_ signal: Signal) -> Bool {
        guard (1...64).contains(signal.rawValue) else { return true }
        let bit = UInt64(1) << UInt64(signal.rawValue - 1)
        return (caught | ignored | blocked) & bit != 0 || innerPid != 1
    }
}
