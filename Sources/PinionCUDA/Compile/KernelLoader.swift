import PinionBase

/// Makes modules of kernel texts for one context: from the cache on disk, or by compiling. Each text is loaded once.
package final class KernelLoader: Sendable {
  package let context: DeviceContext
  private let platform: CUDAPlatform
  private let cache: ImageCache
  private let modules = Lock<[String: DeviceModule]>([:])

  package init(_ context: DeviceContext, platform: CUDAPlatform, cache: ImageCache) {
    self.context = context
    self.platform = platform
    self.cache = cache
  }

  package func module(_ program: KernelProgram) throws(PinionError) -> DeviceModule {
    let compiler = try platform.compiler()
    let target = try compiler.target(for: context.device.capability)
    let key = program.key(target: target, compiler: compiler.version)
    if let module = modules.withLock({ $0[key] }) { return module }
    let module = try load(program, key: key, target: target, compiler: compiler)
    // Another thread may have been faster; then its module is the one.
    return modules.withLock { modules in
      if let other = modules[key] { return other }
      modules[key] = module
      return module
    }
  }

  private func load(_ program: KernelProgram, key: String, target: Int, compiler: Compiler) throws(PinionError) -> DeviceModule {
    if let image = cache.image(key) {
      // An image that the driver refuses is compiled anew; a device that is lost stays so.
      do throws(PinionError) { return try DeviceModule(context, image: image) } catch where error.code != .unsupported { throw error } catch {}
    }
    let image = try compiler.compile(program, target: target)
    let module = try DeviceModule(context, image: image)
    cache.keep(image, for: key)
    return module
  }
}
