// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Network

/// Those attached to one container, as its monitor has them: they are told what it writes, and what they type is its input.
///
/// Nothing is kept for them beyond one message each. As long as one of them is behind, the container's output is not read, so it goes at the
/// pace of who looks at it, as with docker; but only for `patience`: who takes nothing for that long is let go and may attach again.
final class Audience: Attendant {
    private let listener: FileDescriptor
    private let path: String
    private var clients: [Client] = []
    /// Where input goes; −1 once it is closed, or where the container has none.
    private var input = Backlog(to: -1)
    /// The container's terminal, seen from here; −1 for none.
    private var terminal: CInt = -1
    /// The input ends with the first one who gave any (docker's StdinOnce).
    private var closesInput = false
    /// Nobody gives more: it is closed as soon as what was given has gone.
    private var isInputOver = false
    /// Nobody reads what a container says that goes with its end anyway.
    private(set) var hasHungUp = false
    /// The ports of this machine that are held for the container: those it began with, and those that were added since.
    let ports: PortReservation
    private var buffer = [UInt8](repeating: 0, count: AttachMessage.limit + 16)

    /// In milliseconds.
    private static let patience: Int64 = 2000

    private struct Client {
        let socket: CInt
        var takesInput = false
        /// What it has not taken yet, and since when it has taken nothing.
        var pending: [UInt8]?
        var isBehindSince: Int64 = 0
    }

    /// Listens on `runtime/ID.sock`. Whoever watches a container does, so one that is there was left by a monitor that was killed.
    init(of id: ContainerID, holding ports: PortReservation, in home: borrowing Home) throws(EngineError) {
        self.ports = ports
        path = Self.path(of: id, in: home)
        unlink(path)
        do throws(SystemError) { listener = try LocalSocket.listen(path, type: CInt(SOCK_SEQPACKET.rawValue)) } catch {
            throw .system(doing: "listen for those who attach to the container", error)
        }
    }

    deinit { for client in clients { close(client.socket) } }

    static func path(of id: ContainerID, in home: borrowing Home) -> String { "\(home.path)/runtime/\(id).sock" }

    /// Lets somebody in; the socket is ours from now on.
    func admit(_ socket: CInt) { clients.append(Client(socket: socket)) }

    /// Whether the container's next words have to wait.
    var isBehind: Bool { clients.contains { $0.pending != nil } }

    /// Begins a run of the container.
    /// - Parameters:
    ///   - input: where to write its input, made not to block; ours from now on. −1 for none.
    ///   - terminal: its terminal, which is the input's too if there is any.
    func begin(input raw: CInt, terminal: CInt, closesInput: Bool) {
        self.terminal = terminal
        self.closesInput = closesInput && terminal < 0
        input = Backlog(to: raw, isOurs: true)
        isInputOver = false
        hasHungUp = false
    }

    /// A program may let go of its terminal and run on: that is closed then, and its number somebody else's.
    func terminalEnds(_ source: CInt) {
        guard source == terminal else { return }
        endInput()
        terminal = -1
    }

    /// Tells everybody. Who is gone keeps its place until `attend`, where places count.
    func tell(_ message: AttachMessage) {
        guard !clients.isEmpty else { return }
        let bytes = message.bytes
        for index in clients.indices where clients[index].pending == nil { send(bytes, to: &clients[index]) }
    }

    /// The run is over: everybody is told, as long as they take it, and leaves.
    func end(_ message: AttachMessage) {
        endInput()
        let deadline = MonotonicClock.milliseconds + Self.patience
        catchUp(until: deadline)
        tell(message)
        catchUp(until: deadline)
        for client in clients where client.socket >= 0 { close(client.socket) }
        clients = []
    }

    private func catchUp(until deadline: Int64) {
        while isBehind {
            let rest = deadline - MonotonicClock.milliseconds
            var entries = clients.map { PollEntry($0.pending == nil ? -1 : $0.socket, .writable) }
            guard rest > 0, (try? entries.wait(milliseconds: CInt(clamping: rest))) == true else { break }
            for index in entries.indices where !entries[index].ready.isEmpty { catchUp(&clients[index]) }
        }
    }

    // MARK: Attendant

    var pollEntries: [PollEntry] {
        [PollEntry(listener.raw, .readable), input.pollEntry]
            + clients.map { client in
                var events: PollEvents = []
                // What is typed waits for what was typed before.
                if input.isEmpty || !client.takesInput { events.insert(.readable) }
                if client.pending != nil { events.insert(.writable) }
                return PollEntry(client.socket, events)
            }
    }

    var deadline: Int64? { clients.lazy.filter { $0.pending != nil }.map { $0.isBehindSince + Self.patience }.min() }

    func attend(_ entries: ArraySlice<PollEntry>, _ process: borrowing ProcessHandle) {
        let first = entries.startIndex
        if !entries[first + 1].ready.isEmpty { drainInput() }
        for index in clients.indices {
            let ready = entries[first + 2 + index].ready
            if ready.contains(.writable) { catchUp(&clients[index]) }
            if !ready.isDisjoint(with: [.readable, .hangUp, .error]) { listen(to: index) }
        }
        let now = MonotonicClock.milliseconds
        for index in clients.indices where clients[index].pending != nil && clients[index].isBehindSince + Self.patience <= now {
            leave(index)
        }
        clients.removeAll { $0.socket < 0 }
        if !entries[first].ready.isEmpty, let socket = try? LocalSocket.accept(listener) { admit(socket.release()) }
    }

    /// Lets in whoever comes in that time. False if nobody does.
    func waitForKnock(milliseconds: Int64) -> Bool {
        var entries = [PollEntry(listener.raw, .readable)]
        guard (try? entries.wait(milliseconds: CInt(clamping: milliseconds))) == true else { return false }
        if let socket = try? LocalSocket.accept(listener) { admit(socket.release()) }
        return true
    }

    // MARK: one of them

    private func listen(to index: Int) {
        let client = clients[index]
        guard client.socket >= 0 else { return }
        let count: Int
        var sockets: [CInt] = []
        do throws(SystemError) {
            guard let size = try MessageSocket.take(from: client.socket, into: &buffer, &sockets) else { return }
            count = size
        } catch { return leave(index) }
        // They are nobody's otherwise, and are closed with the reservation.
        ports.adopt(sockets)
        guard count > 0, let message = AttachMessage(buffer[..<count]) else { return leave(index) }
        switch message {
        case .hello(let takesInput): clients[index].takesInput = takesInput
        case .size(let size): if terminal >= 0 { try? FileDescriptor.setWindowSize(of: terminal, size) }
        case .input(let bytes):
            guard client.takesInput, !isInputOver else { return }
            input.add(bytes)
            drainInput()
        case .endOfInput: if client.takesInput { inputEnds() }
        case .hangUp: hasHungUp = true
        case .hold: break
        case .release(let lines):
            ports.release(String(decoding: lines, as: UTF8.self).split(separator: "\n").compactMap(PublishedPorts.init))
        case .output, .error, .ended: leave(index)
        }
    }

    private func leave(_ index: Int) {
        guard clients[index].socket >= 0 else { return }
        close(clients[index].socket)
        // With whoever gave the input it ends, as a pipe does without a writer.
        if clients[index].takesInput { inputEnds() }
        clients[index] = Client(socket: -1)
    }

    private func send(_ bytes: [UInt8], to client: inout Client) {
        guard client.socket >= 0 else { return }
        do throws(SystemError) {
            guard try !MessageSocket.offer(bytes, to: client.socket) else { return }
            client.pending = bytes
            client.isBehindSince = MonotonicClock.milliseconds
        } catch {
            close(client.socket)
            client = Client(socket: -1)
        }
    }

    private func catchUp(_ client: inout Client) {
        guard let pending = client.pending else { return }
        let since = client.isBehindSince
        client.pending = nil
        send(pending, to: &client)
        if client.pending != nil { client.isBehindSince = since }
    }

    // MARK: input

    private func inputEnds() {
        guard closesInput else { return }
        isInputOver = true
        drainInput()
    }

    private func drainInput() {
        if !input.drain() || (isInputOver && input.isEmpty) { endInput() }
    }

    private func endInput() {
        if input.target >= 0, terminal < 0 { close(input.target) }
        input = Backlog(to: -1)
    }
}
