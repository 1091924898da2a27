// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A system call that failed: what was called, on what, and the kernel's reason.
package struct SystemError: Error, Equatable {
    /// The call's name as the manual spells it, for example `openat2`.
    package let call: String
    /// What it was called on, usually a path; empty when there is no one thing.
    package let subject: String
    /// The kernel's `errno`.
    package let errno: CInt

    package init(call: String, subject: String = "", errno: CInt) {
        self.call = call
        self.subject = subject
        self.errno = errno
    }

    /// The same, said of what the caller had in mind, where the call's own subject says less.
    package func about(_ subject: String) -> SystemError { SystemError(call: call, subject: subject, errno: errno) }
}

extension SystemError {
    /// True where the machine is at fault and not what was read.
    package var blamesMachine: Bool { [ENOSPC, EDQUOT, EIO, EROFS, ENOMEM, EMFILE, ENFILE, EACCES].contains(errno) }
}

extension SystemError: CustomStringConvertible {
    /// `openat2 /etc/passwd: No such file or directory`
    package var description: String {
        subject.isEmpty ? "\(call): \(reason)" : "\(call) \(subject): \(reason)"
    }

    /// The kernel's reason in words, as `strerror(3)` has it.
    package var reason: String { String(cString: strerror(errno)) }
}

/// Runs one system call: repeats it when a signal interrupted it, and turns −1 into a `SystemError`.
@discardableResult
package func check<Result: FixedWidthInteger>(
    _ call: StaticString, _ subject: @autoclosure () -> String = "", _ body: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = body()
        guard result == -1 else { return result }
        let code = errno
        guard code == EINTR else { throw SystemError(call: "\(call)", subject: subject(), errno: code) }
    }
}

extension [UInt8] {
    /// What one system call puts into a buffer of at most that many bytes; it gives back how many.
    package init(
        filling capacity: Int, _ call: StaticString, _ subject: @autoclosure () -> String = "",
        _ body: (UnsafeMutableBufferPointer<UInt8>) -> Int
    ) throws(SystemError) {
        var failure: SystemError?
        self.init(unsafeUninitializedCapacity: capacity) { buffer, count in
            do throws(SystemError) { count = try check(call, subject()) { body(buffer) } } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
