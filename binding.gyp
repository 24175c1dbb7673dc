# One build for everything native: the core, the shim, the addon and (where asked for) the native test programs.
#   virtshim_tests=1      also build test/native
#   virtshim_sanitize=X   instrument with -fsanitize=X (scripts/build-sanitized)
{
  'variables': {
    'virtshim_tests%': 0,
    'virtshim_sanitize%': '',
    'virtshim_version': '<!(node -p "require(\'./package.json\').version")',
    'openssl_fips': '',
  },
  'target_defaults': {
    'include_dirs': ['native'],
    'defines': ['VIRTSHIM_VERSION="<(virtshim_version)"', '_GNU_SOURCE'],
    'cflags': ['-fvisibility=hidden', '-fPIC', '-Wall', '-Wextra', '-Werror', '-g'],
    'cflags_cc': ['-std=gnu++17', '-fno-exceptions', '-fno-rtti', '-fno-threadsafe-statics', '-fvisibility-inlines-hidden'],
    'cflags!': ['-Wno-unused-parameter'],
    'configurations': {
      'Release': {
        'cflags!': ['-O3'],
        'cflags': ['-O2'],
      },
    },
    'conditions': [
      ['virtshim_sanitize!=""', {
        'cflags': ['-fsanitize=<(virtshim_sanitize)', '-fno-sanitize-recover=undefined', '-fno-omit-frame-pointer'],
        'ldflags': ['-fsanitize=<(virtshim_sanitize)'],
        'defines': ['VIRTSHIM_SANITIZED'],
      }],
    ],
  },
  'targets': [
    {
      'target_name': 'virtshim_core',
      'type': 'static_library',
      'standalone_static_library': 1,
      'sources': ['native/generated/facts.cc', '<!@(find native/policy native/audit native/sys -name "*.cc" | LC_ALL=C sort)'],
    },
    {
      'target_name': 'libvirtshim',
      'type': 'shared_library',
      'product_dir': '<(PRODUCT_DIR)',
      'dependencies': ['virtshim_core'],
      'sources': [
        '<!@(find native/generated -name "wrappers*.cc" | LC_ALL=C sort)',
        '<!@(find native/interposer native/call native/libvirt -name "*.cc" | LC_ALL=C sort)',
      ],
      # Lazily resolved calls would cost a jump through the PLT and could run the resolver inside a signal handler.
      'cflags': ['-fno-plt'],
      'ldflags': [
        '-Wl,-z,relro,-z,now',
        '-Wl,--version-script=<(module_root_dir)/native/interposer/exports.map',
      ],
      # The program that is wrapped may bring another libstdc++ or none at all.
      'conditions': [
        ['virtshim_sanitize==""', {'ldflags': ['-Wl,-z,defs', '-static-libgcc', '-static-libstdc++']}],
      ],
      'libraries': ['-ldl', '-lpthread'],
    },
    {
      'target_name': 'virtshim',
      'type': 'loadable_module',
      'dependencies': ['virtshim_core'],
      'sources': ['<!@(find native/addon -name "*.cc" | LC_ALL=C sort)'],
      'include_dirs': ['<!(node -p "require(\'node-addon-api\').include_dir")'],
      'defines': ['NAPI_VERSION=8', 'NAPI_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED'],
      'cflags': ['-Wno-cast-function-type', '-Wno-unused-parameter'],
      'ldflags': ['-static-libgcc', '-static-libstdc++'],
    },
  ],
  'conditions': [
    ['virtshim_tests==1', {
      'targets': [
        {
          'target_name': 'native_tests',
          'type': 'none',
          'dependencies': ['test/native/native_tests.gyp:*'],
        },
      ],
    }],
  ],
}
