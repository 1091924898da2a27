// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// How somebody is attached to a container.
package struct AttachOptions: Sendable {
    /// Our standard input is the container's.
    package var takesInput = false
    package var showsOutput = true
    package var showsErrors = true
    /// It is over as soon as all of our standard input has been given.
    var endsWithInput = false
    /// Those that leave its terminal; nil for none.
    package var keys: DetachKeys? = .standard
    /// Signals for us are the container's; else they end us alone.
    package var passesSignals = true

    package init() {}
}

/// The side of somebody who is attached to a container under a monitor: carries what is typed to it and what it says to us.
struct AttachedClient: ~Copyable {
    private let id: ContainerID
    private let hasTerminal: Bool
    private let isTemporary: Bool
    private let options: AttachOptions
    private let signals: FileDescriptor
    private var socket: CInt = -1
    /// It is we who started the container.
    private var isStarter = false
    /// Whose size the container's terminal has; −1 for none.
    private let terminal: CInt
    private var rawMode: RawMode?
    private var scanner: DetachScanner?
    private var isInputOpen = false
    /// A message that the monitor has not taken yet.
    private var unsent: [UInt8]?
    private var loss: SystemError?
    private var output = Backlog(to: -1)
    private var error = Backlog(to: -1)
    private var buffer = [UInt8](repeating: 0, count: AttachMessage.limit + 16)

    /// Listens for signals from now on, so that none is lost on the way.
    init(to container: borrowing Container, _ options: AttachOptions) throws(EngineError) {
        id = container.id
        hasTerminal = container.record.terminal
        isTemporary = container.record.isTemporary
        self.options = options
        signals = try (options.passesSignals ? SignalSet.forwarded : SignalSet.own).arrivals()
        terminal = FileDescriptor.isTerminal(0) ? 0 : FileDescriptor.isTerminal(1) ? 1 : -1
        isInputOpen = options.takesInput && container.record.interactive
    }

    deinit { if socket >= 0 { close(socket) } }

    /// Begins on a connected socket. Pipes of ours are opened once more now and not before: a monitor that we made would hold them, and
    /// whoever reads there would wait for the container's end when we have left it.
    mutating func begin(on socket: CInt, asStarter isStarter: Bool) {
        self.socket = socket
        self.isStarter = isStarter
        if options.showsOutput { output = Backlog(to: 1) }
        if options.showsErrors { error = Backlog(to: 2) }
        send(.hello(takesInput: isInputOpen))
        if hasTerminal {
            // A size that changes makes programs draw themselves again, also for one who comes back to the size that was (after docker).
            if !isStarter, let size = FileDescriptor.windowSize(of: terminal), size.rows < .max {
                send(.size(WindowSize(rows: size.rows + 1, columns: size.columns)))
            }
            followSize()
            if isInputOpen { rawMode = RawMode(0) }
            if rawMode != nil { scanner = DetachScanner(options.keys) }
        }
    }

    /// What ends it.
    private enum End {
        case over(exitCode: Int32, memoryLimit: Int64)
        case left
        /// By a signal for us.
        case ended(Signal)
        /// The monitor let go of us, or is gone.
        case lost
    }

    /// Carries until the container ends, or we leave it.
    mutating func carry(in home: borrowing Home) throws(EngineError) -> Outcome {
        var end: End?
        tellSize(in: home)
        do throws(SystemError) {
            while end == nil { end = try step(in: home) }
        } catch {
            throw .system(doing: "stay attached to the container", error)
        }
        // Given back before anything is printed.
        rawMode = nil
        switch end {
        case .over(let code, let limit): return Outcome(exitCode: code, memoryLimit: limit < 0 ? nil : limit, loss: loss)
        case .left, nil: return Outcome(exitCode: 0, memoryLimit: nil, isDetached: true, loss: loss)
        case .ended(let signal): return Outcome(exitCode: 128 + signal.rawValue, memoryLimit: nil)
        case .lost: throw try loss(in: home)
        }
    }

    private func loss(in home: borrowing Home) throws(EngineError) -> EngineError {
        if Watch.isHeld(id, in: home) {
            return .refused("detached: the output of \(id.short) was not taken for too long; 'minictl attach \(id.short)' comes back")
        }
        try home.sweep()
        return .refused("lost \(id.short): its monitor was killed; 'minictl ps -a' tells what became of it")
    }

    private mutating func step(in home: borrowing Home) throws(SystemError) -> End? {
        // What it says waits for what it said before; what is typed likewise.
        let listens = output.isEmpty && error.isEmpty
        var events: PollEvents = listens ? [.readable] : []
        if unsent != nil { events.insert(.writable) }
        var entries = [
            PollEntry(signals.raw, .readable), PollEntry(socket, events),
            PollEntry(isInputOpen && unsent == nil ? 0 : -1, .readable), output.pollEntry, error.pollEntry,
        ]
        _ = try entries.wait()
        if !entries[0].ready.isEmpty, let end = try takeSignals(in: home) { return end }
        if !entries[3].ready.isEmpty, !output.drain() { if let end = lostReader() { return end } }
        if !entries[4].ready.isEmpty, !error.drain() {
            loss = loss ?? error.loss
            error = Backlog(to: -1)
        }
        if entries[1].ready.contains(.writable), let message = unsent {
            unsent = nil
            send(message)
        }
        if !entries[2].ready.isEmpty, let end = readInput() { return end }
        // What is on the way still arrives; whoever has taken it lets go of us.
        if options.endsWithInput, !isInputOpen, unsent == nil { shutdown(socket, CInt(SHUT_WR)) }
        if listens, !entries[1].ready.isDisjoint(with: [.readable, .hangUp, .error]) { return receive() }
        return nil
    }

    /// One message of the monitor's.
    private mutating func receive() -> End? {
        let count: Int
        do throws(SystemError) {
            guard let size = try MessageSocket.take(from: socket, into: &buffer) else { return nil }
            count = size
        } catch { return .lost }
        if count == 0, options.endsWithInput { return .left }
        guard count > 0, let message = AttachMessage(buffer[..<count]) else { return .lost }
        switch message {
        case .output(let bytes): output.add(ArraySlice(Array(bytes)))
        case .error(let bytes): error.add(ArraySlice(Array(bytes)))
        case .ended(let code, let limit): return .over(exitCode: code, memoryLimit: limit)
        case .hello, .size, .input, .endOfInput, .hangUp, .hold, .release: return .lost
        }
        return nil
    }

    /// Our output goes nowhere any more.
    private mutating func lostReader() -> End? {
        loss = loss ?? output.loss
        output = Backlog(to: -1)
        // A terminal that is gone leaves the container as it is; so does a reader of one that was running before us.
        if FileDescriptor.isTerminal(1) || !isStarter { return .left }
        // What would be lost anyway is not to be said.
        if hasTerminal, isTemporary { send(.hangUp) }
        return nil
    }

    private mutating func readInput() -> End? {
        let count = buffer.withUnsafeMutableBytes { read(0, $0.baseAddress, AttachMessage.limit) }
        if count < 0, errno == EAGAIN || errno == EINTR { return nil }
        guard count > 0 else {
            isInputOpen = false
            // A terminal in raw mode has no end but that of the line to whoever sits at it.
            if rawMode != nil { return .left }
            send(.endOfInput)
            return nil
        }
        guard let found = scanner?.scan(buffer[..<count]) else {
            send(.input(buffer[..<count]))
            return nil
        }
        if !found.passed.isEmpty { send(.input(found.passed[...])) }
        return found.isDetached ? .left : nil
    }

    private mutating func takeSignals(in home: borrowing Home) throws(SystemError) -> End? {
        while let report = try Signal.next(from: signals.raw) {
            switch report.signal {
            case .windowChange:
                followSize()
                tellSize(in: home)
            case .child, .pipe: break
            case .continue:
                rawMode?.set()
                followSize()
            // The line to a terminal is gone: the container had another one.
            case .hangup where hasTerminal: return .left
            case let signal:
                guard options.passesSignals else { return .ended(signal) }
                // One that ends just now hears nothing more.
                guard let container = try? home.container(id) else { break }
                try? container.pass(signal)
            }
        }
        return nil
    }

    private mutating func followSize() {
        if hasTerminal, let size = FileDescriptor.windowSize(of: terminal) { send(.size(size)) }
    }

    private func tellSize(in home: borrowing Home) {
        guard hasTerminal, let size = FileDescriptor.windowSize(of: terminal), let container = try? home.container(id) else { return }
        container.tell("resize", ["height": "\(size.rows)", "width": "\(size.columns)"])
    }

    private mutating func send(_ message: AttachMessage) { send(message.bytes) }

    private mutating func send(_ bytes: [UInt8]) {
        // A size that finds no room is followed by the next one; what is typed is kept, as nothing more is read until it has gone.
        do throws(SystemError) {
            if try !MessageSocket.offer(bytes, to: socket), unsent == nil { unsent = bytes }
        } catch {
            // The end of the socket is seen where it is read.
        }
    }
}

extension SignalSet {
    /// What concerns an attached command alone: its terminal, and its own end.
    fileprivate static var own: SignalSet { SignalSet([.hangup, .interrupt, .quit, .terminate, .windowChange, .continue]) }
}

extension Home {
    /// Attaches to a container that runs, until it ends or we leave it.
    package func attach(_ word: String, _ options: AttachOptions) throws(EngineError) -> Outcome {
        try sweep()
        let container = try container(named: word)
        let status = try container.status(in: Machine.boot())
        if status == .paused { throw .refused("cannot attach to \(container.name): it is paused; unpause it first") }
        guard status == .running else { throw .notAllowed("attach to", container.name, status) }
        var options = options
        if container.record.terminal, options.takesInput, container.record.interactive, !FileDescriptor.isTerminal(0) {
            // As docker: who cannot type is not let type.
            throw .refused("the input device is not a TTY; use --no-stdin to see the output of \(container.name)")
        }
        if !container.record.interactive { options.takesInput = false }
        let socket = try connect(to: container)
        var attachment = try AttachedClient(to: container, options)
        attachment.begin(on: socket, asStarter: false)
        container.tell("attach")
        let outcome = try attachment.carry(in: self)
        if outcome.isDetached { container.tell("detach") }
        return outcome
    }

    /// Connects to the monitor. One that takes another's place may need a moment.
    private func connect(to container: borrowing Container) throws(EngineError) -> CInt {
        let isMonitored = container.record.terminal || container.record.start?.pipes != nil
        let deadline = MonotonicClock.milliseconds + (isMonitored ? 10_000 : 0)
        while true {
            do throws(SystemError) {
                return try LocalSocket.connect(Audience.path(of: container.id, in: self), type: CInt(SOCK_SEQPACKET.rawValue)).release()
            } catch {
                guard error.errno == ENOENT || error.errno == ECONNREFUSED else {
                    throw .system(doing: "attach to \(container.name)", error)
                }
            }
            guard MonotonicClock.milliseconds < deadline, try container.status(in: Machine.boot()) == .running else { break }
            usleep(20_000)
            try sweep()
        }
        throw .refused(
            "cannot attach to \(container.name): it runs in the foreground of another command; 'minictl logs -f' follows its output")
    }
}
