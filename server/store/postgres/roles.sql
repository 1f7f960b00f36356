-- Two roles: one owns the tables and changes them (tributary migrate), the other serves the console and runs the syncs.
-- Run once by an administrator, in the new and empty database.
CREATE ROLE tributary_owner LOGIN;
CREATE ROLE tributary LOGIN;
GRANT USAGE, CREATE ON SCHEMA public TO tributary_owner;
GRANT USAGE ON SCHEMA public TO tributary;
-- What the owner makes from now on: tables and what is in them, but not their definitions.
ALTER DEFAULT PRIVILEGES FOR ROLE tributary_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO tributary;
ALTER DEFAULT PRIVILEGES FOR ROLE tributary_owner GRANT USAGE ON SEQUENCES TO tributary;
-- Functions of the owner make a tenant's views and the months of activity, so that the other role need not be allowed to.
ALTER DEFAULT PRIVILEGES FOR ROLE tributary_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE tributary_owner GRANT EXECUTE ON FUNCTIONS TO tributary;
