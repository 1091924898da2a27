// SPDX-License-Identifier: Apache-2.0

/// Something in the three folders that does not fit the rest.
package struct Fault: Sendable {
    package enum State: String, Sendable {
        case found
        case mended
        /// Nothing can be done about it here, or what was tried failed.
        case left
    }

    /// What is wrong, below the root.
    package let place: String
    package let sentence: String
    /// What `--repair` does about it, or what a person can do.
    package let mending: String
    package fileprivate(set) var state: State
}

/// A look at everything that is kept: finds, and mends if it may.
struct Checkup {
    let mends: Bool
    let deep: Bool
    private(set) var faults: [Fault] = []

    init(mends: Bool, deep: Bool) {
        self.mends = mends
        self.deep = deep
    }

    /// Notes what can be mended, and mends it if it may.
    mutating func found(_ place: String, _ sentence: String, mending: String, _ mend: () throws(EngineError) -> Void) {
        var fault = Fault(place: place, sentence: sentence, mending: mending, state: .found)
        if mends {
            do throws(EngineError) {
                try mend()
                fault.state = .mended
            } catch {
                fault = Fault(place: place, sentence: sentence, mending: "\(mending): \(error)", state: .left)
            }
        }
        faults.append(fault)
    }

    /// Notes what only a person can decide about.
    mutating func found(_ place: String, _ sentence: String, advice: String) {
        faults.append(Fault(place: place, sentence: sentence, mending: advice, state: mends ? .left : .found))
    }

    /// Notes what was mended, or is to be, where it was found.
    mutating func found(_ place: String, _ sentence: String, mended: String?) {
        let state: Fault.State = !mends ? .found : mended == nil ? .left : .mended
        faults.append(Fault(place: place, sentence: sentence, mending: mended ?? "", state: state))
    }
}

extension Home {
    /// Compares containers, runtime files, cgroups, images, volumes and networks with each other. What a killed command left is finished first,
    /// as every command does.
    /// - Parameters:
    ///   - repair: mends what can be mended.
    ///   - deep: reads every blob to its end.
    package func audit(repair: Bool, deep: Bool) throws(EngineError) -> [Fault] {
        try sweep(looksAtAll: true)
        var checkup = Checkup(mends: repair, deep: deep)
        // Images first: what a container misses may be unpacked again from them.
        try checkImages(&checkup)
        try checkContainers(&checkup)
        try checkNames(&checkup)
        try checkVolumes(&checkup)
        try checkVolumeFiles(&checkup)
        try checkNetworks(&checkup)
        try checkRuntime(&checkup)
        try checkCgroups(&checkup)
        return checkup.faults
    }
}
