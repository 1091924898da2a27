// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import OCI

extension RuntimeContainer {
    /// Lets a created container's first process execute its program, and returns once it has.
    package func start() throws(RuntimeError) {
        let status = status()
        guard status == .created else { throw .notAllowed(.start, id, status) }
        let spec = try spec()
        try awaitProgram(spec)
        for hook in [HookPlan](spec.hooks?.poststart, "poststart", ociState(.running), .running) {
            do throws(LaunchError) { try hook.runByParent(of: state.process?.pid) } catch {
                // The spec since 1.2: a poststart hook that fails ends the container.
                if let process = process() { try? ProcessHandle(process).signal(.kill) }
                throw .launch(error)
            }
        }
    }

    /// Connects to the first process, which takes that as its sign, and listens until exec closes the socket.
    private func awaitProgram(_ spec: Spec) throws(RuntimeError) {
        var failure: StepFailure?
        do throws(SystemError) {
            let socket = MessageSocket(owning: try LocalSocket.connect("\(path)/start", type: CInt(SOCK_SEQPACKET.rawValue)))
            while var message = try socket.receive() {
                switch ChannelMessage(message.bytes) {
                case .filter:
                    guard let raw = message.takeDescriptors().first else { throw SystemError(call: "recvmsg", errno: EPROTO) }
                    let listener = SeccompListener(owning: FileDescriptor(owning: raw), of: spec.linux?.seccomp)
                    try listener.send(process: state.process?.pid ?? 0, ociState(.created))
                case .failed(let reason): failure = reason
                default: throw SystemError(call: "recvmsg", subject: "\(path)/start", errno: EPROTO)
                }
            }
        } catch {
            throw .system(doing: "start container \(id.text)", error)
        }
        if let failure { throw .launch(.step(failure)) }
    }
}
