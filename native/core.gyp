# The two archives that the shim, the addon and the native tests are linked from.
{
  'includes': ['defaults.gypi'],
  'targets': [
    {
      'target_name': 'virtshim_core',
      'type': 'static_library',
      # gyp resolves the names that a command prints against this folder.
      'sources': ['generated/facts.cc', 'generated/xml_facts.cc', '<!@(cd <(module_root_dir)/native && find policy audit sys xml -name "*.cc" | LC_ALL=C sort)'],
    },
    {
      'target_name': 'virtshim_call',
      'type': 'static_library',
      'dependencies': ['virtshim_core'],
      'sources': ['<!@(cd <(module_root_dir)/native && find call libvirt -name "*.cc" | LC_ALL=C sort)'],
      # A call through the PLT costs a jump, and lazy binding would run the resolver inside the wrapped program.
      'cflags': ['-fno-plt'],
    },
  ],
}
