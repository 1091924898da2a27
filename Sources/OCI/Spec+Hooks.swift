// SPDX-License-Identifier: Apache-2.0

extension Spec {
    /// Programs run at points of a container's life (config.md, "POSIX-platform Hooks"), in the order they happen.
    package struct Hooks: Equatable, Sendable {
        /// The deprecated name of `createRuntime`; both are run, these first.
        package var prestart: [Hook]?
        package var createRuntime: [Hook]?
        package var createContainer: [Hook]?
        package var startContainer: [Hook]?
        package var poststart: [Hook]?
        package var poststop: [Hook]?

        package init(
            prestart: [Hook]? = nil, createRuntime: [Hook]? = nil, createContainer: [Hook]? = nil, startContainer: [Hook]? = nil,
            poststart: [Hook]? = nil, poststop: [Hook]? = nil
        ) {
            self.prestart = prestart
            self.createRuntime = createRuntime
            self.createContainer = createContainer
            self.startContainer = startContainer
            self.poststart = poststart
            self.poststop = poststop
        }
    }

    /// One program of a hook; it receives the container's `State` on standard input.
    package struct Hook: Equatable, Sendable {
        package var path: String
        package var args: [String]?
        package var env: [String]?
        /// Seconds.
        package var timeout: Int?

        package init(path: String, args: [String]? = nil, env: [String]? = nil, timeout: Int? = nil) {
            self.path = path
            self.args = args
            self.env = env
            self.timeout = timeout
        }
    }
}
