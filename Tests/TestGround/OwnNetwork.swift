// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// A network namespace of each test's own, with nothing but a loopback: containers are on a bridge unless told otherwise, and no test may
/// make one on the machine it runs on. What a thread starts is where the thread is, and a test is one thread's.
package enum OwnNetwork {
    /// The namespace this process was started in.
    private static let machine = current

    private static var current: UInt64? { (try? FileStatus(of: "/proc/thread-self/ns/net", followLinks: true)).map { UInt64($0.inode) } }

    /// Moves this thread into a new one.
    package static func make() {
        guard machine != nil, (try? Namespaces.network.unshare()) != nil else { return }
        do { try Loopback.bringUp() } catch { print("a test has no loopback: \(error)") }
    }

    /// Moves it there if it is still in the machine's.
    package static func enter() {
        if current == machine { make() }
    }
}
