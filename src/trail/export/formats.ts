export const EXPORT_FORMATS = ['cadf', 'ecs', 'ocsf'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
