// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension Home {
    /// Says something to a container's monitor, and waits until it has heard, at most two seconds. A container in the foreground has none.
    func tellMonitor(of id: ContainerID, _ body: (borrowing MessageSocket) -> Void) {
        let type = CInt(SOCK_SEQPACKET.rawValue)
        guard let socket = try? LocalSocket.connect(Audience.path(of: id, in: self), type: type) else { return }
        let monitor = MessageSocket(owning: socket)
        body(monitor)
        shutdown(monitor.descriptor.raw, CInt(SHUT_WR))
        // Until it lets go of us, it may tell us what the container says.
        let deadline = MonotonicClock.milliseconds + 2000
        while MonotonicClock.milliseconds < deadline {
            var entries = [PollEntry(monitor.descriptor.raw, .readable)]
            guard (try? entries.wait(milliseconds: 100)) == true else { continue }
            guard (try? monitor.receive(limit: AttachMessage.limit + 16)) != nil else { return }
        }
    }
}
