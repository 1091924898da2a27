// SPDX-License-Identifier: Apache-2.0
import Linux

/// The way of a process that joins a running container. Its parent has entered the pid namespace, which holds from the next child on,
/// and stays on the host for all else; the rest is as in `Init`.
enum Join {
    static let steps: [Step] = [
        Step("join cgroup", Steps.joinCgroup),  // before the namespaces, where its files cannot be reached
        Step("wait for the parent", Steps.waitToProceed),  // which may have to put us into a cgroup itself
        Step("join namespaces", Steps.joinNamespaces),  // in one call, all or nothing; from here on every path is the container's
        Step("become root in the namespace", Steps.becomeRoot),
        Step("new session keyring", Steps.joinKeyring),
        Step("enter root", Steps.enterRoot),
        Step("open proc", Steps.openProc),
        Step("open terminal", Steps.openTerminal),
        Step("set resource limits", Steps.setLimits),
        Step("start session", Steps.startSession),
        Step("open standard streams", Steps.openStdio),
        Step("shrink bounding set", Steps.limitBounding),
        Step("set scheduling", Steps.setScheduling),
        Step("set security label", Steps.setSecurityLabel),
        Step("find home", Steps.findHome),
        Step("take identity", Steps.takeIdentity),
        Step("enter working directory", Steps.enterWorkingDirectory),
        Step("pass over folders without it", Steps.passOver),  // as the user; the filter may forbid to look
        Step("let go of descriptors and signals", Steps.letGo),
        Step("limit memory and files", Steps.limitOurselves),
        Step("confine", Steps.confine),
        Step("execute", Steps.execute),
    ]
}
