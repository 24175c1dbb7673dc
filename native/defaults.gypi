# Settings of every native target, for binding.gyp and for the test programs.
{
  'variables': {
    'virtshim_sanitize%': '',
    'virtshim_version': '<!(node -p "require(\'<(module_root_dir)/package.json\').version")',
  },
  'target_defaults': {
    'include_dirs': ['.'],
    'defines': ['VIRTSHIM_VERSION="<(virtshim_version)"', '_GNU_SOURCE'],
    'cflags': ['-fvisibility=hidden', '-fPIC', '-Wall', '-Wextra', '-Werror', '-g'],
    'cflags!': ['-Wno-unused-parameter'],
    'cflags_cc': ['-std=gnu++17', '-fno-exceptions', '-fno-rtti', '-fno-threadsafe-statics', '-fvisibility-inlines-hidden'],
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
}
