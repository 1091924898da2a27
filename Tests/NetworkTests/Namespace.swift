// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Testing

/// Runs `body` in a network namespace of its own, on this thread alone: namespaces are a thread's.
func inNewNetworkNamespace<Result>(_ body: () throws -> Result) throws -> Result {
    let home = try FileDescriptor(namespace: .network, at: "/proc/thread-self/ns/net")
    try Namespaces.network.unshare()
    let result = Swift.Result { try body() }
    // Other tests run on this thread after us.
    try home.join(.network)
    return try result.get()
}

extension Trait where Self == ConditionTrait {
    static var asRoot: Self { .enabled(if: geteuid() == 0, "needs root") }
}

/// A command of the shell, in the namespace of this thread.
func shell(_ command: String) throws -> String {
    let pipe = try #require(popen("{ \(command); } 2>&1", "r"))
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = fread(&buffer, 1, buffer.count, pipe)
        if count == 0 { break }
        output += buffer[..<count]
    }
    pclose(pipe)
    return String(decoding: output, as: UTF8.self)
}
