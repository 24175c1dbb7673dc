# One build for everything native: the core (native/core.gyp), the shim, the addon and (where asked for) the native test programs.
#   virtshim_tests=1      also build test/native, listed by scripts/gyp.cjs in build/native_tests.gyp
#   virtshim_sanitize=X   instrument with -fsanitize=X (scripts/build-sanitized)
{
  'includes': ['native/defaults.gypi'],
  'variables': {
    'virtshim_tests%': 0,
  },
  'targets': [
    {
      'target_name': 'libvirtshim',
      'type': 'shared_library',
      'product_name': 'libvirtshim',
      'product_dir': '<(PRODUCT_DIR)',
      'dependencies': ['native/core.gyp:virtshim_call', 'native/core.gyp:virtshim_core'],
      'sources': [
        '<!@(find native/generated -name "wrappers*.cc" | LC_ALL=C sort)',
        '<!@(find native/interposer -name "*.cc" | LC_ALL=C sort)',
      ],
      'cflags': ['-fno-plt'],
      'ldflags': [
        # nodelete: fork handlers, thread-local buffers and the audit thread outlive any dlclose by the host.
        '-Wl,-z,relro,-z,now,-z,nodelete',
        '-Wl,--version-script=<(module_root_dir)/native/interposer/exports.map',
      ],
      'conditions': [
        # The wrapped program may bring another libstdc++ or none at all.
        ['virtshim_sanitize==""', {'ldflags': ['-Wl,-z,defs', '-static-libgcc', '-static-libstdc++']}],
      ],
      'libraries': ['-ldl', '-lpthread'],
    },
    {
      'target_name': 'virtshim',
      'type': 'loadable_module',
      'dependencies': ['native/core.gyp:virtshim_core'],
      'sources': ['native/generated/callbacks.cc', 'native/generated/thunks.cc', '<!@(find native/addon -name "*.cc" | LC_ALL=C sort)'],
      'include_dirs': ['<!(node -p "require(\'node-addon-api\').include_dir")'],
      'defines': ['NAPI_VERSION=8', 'NAPI_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED', 'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'],
      'cflags': ['-Wno-cast-function-type', '-Wno-unused-parameter'],
      # nodelete: Node unloads an addon with the worker thread that loaded it, but our threads run on.
      'ldflags': ['-Wl,-z,relro,-z,now,-z,nodelete'],
      'libraries': ['-ldl', '-lpthread'],
      'conditions': [
        ['virtshim_sanitize==""', {'ldflags': ['-static-libgcc', '-static-libstdc++']}],
      ],
    },
  ],
  'conditions': [
    ['virtshim_tests==1', {
      'targets': [
        {
          'target_name': 'native_tests',
          'type': 'none',
          'dependencies': ['build/native_tests.gyp:*'],
        },
      ],
    }],
  ],
}
