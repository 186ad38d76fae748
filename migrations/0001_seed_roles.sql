INSERT INTO "roles" ("id", "name", "description") VALUES
  ('01932c00-0000-7000-8000-000000000001', 'user', 'Every registered person.'),
  ('01932c00-0000-7000-8000-000000000002', 'admin', 'Runs this deployment: holds every permission of Postern''s own endpoints.')
ON CONFLICT ("name") DO NOTHING;--> statement-breakpoint
INSERT INTO "permissions" ("id", "name", "description") VALUES
  ('01932c00-0000-7000-8000-000000000101', 'users:read', 'Read accounts and their sessions.'),
  ('01932c00-0000-7000-8000-000000000102', 'users:write', 'Create, change, disable and delete accounts, and end their sessions.'),
  ('01932c00-0000-7000-8000-000000000103', 'roles:read', 'Read roles and permissions.'),
  ('01932c00-0000-7000-8000-000000000104', 'roles:write', 'Change roles and permissions, and who holds them.'),
  ('01932c00-0000-7000-8000-000000000105', 'service-accounts:read', 'Read service accounts.'),
  ('01932c00-0000-7000-8000-000000000106', 'service-accounts:write', 'Create, rotate and disable service accounts.'),
  ('01932c00-0000-7000-8000-000000000107', 'audit:read', 'Read and export audit events.'),
  ('01932c00-0000-7000-8000-000000000108', 'keys:read', 'List signing keys.'),
  ('01932c00-0000-7000-8000-000000000109', 'keys:write', 'Rotate and revoke signing keys.')
ON CONFLICT ("name") DO NOTHING;--> statement-breakpoint
INSERT INTO "role_permissions" ("role_id", "permission_id")
SELECT "roles"."id", "permissions"."id" FROM "roles" CROSS JOIN "permissions" WHERE "roles"."name" = 'admin'
ON CONFLICT DO NOTHING;
