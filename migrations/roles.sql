-- The roles, made once by a superuser before the first migration:
--
--	psql -v ON_ERROR_STOP=1 -f migrations/roles.sql DATABASE
--
-- They have no passwords: the local socket's peer authentication, or the
-- operator's own pg_hba.conf, says who may be which.
DO $$
DECLARE r text;
BEGIN
	FOREACH r IN ARRAY ARRAY['resguardo_owner', 'resguardo_app',
	    'resguardo_eraser', 'resguardo_auditor'] LOOP
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
			EXECUTE format('CREATE ROLE %I LOGIN', r);
		END IF;
	END LOOP;
	EXECUTE format('ALTER DATABASE %I OWNER TO resguardo_owner', current_database());
	-- Nobody else connects, and nobody makes tables of their own here.
	EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
	EXECUTE format('GRANT CONNECT ON DATABASE %I TO resguardo_app,'
	    ' resguardo_eraser, resguardo_auditor', current_database());
END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE, USAGE ON SCHEMA public TO resguardo_owner;
GRANT USAGE ON SCHEMA public TO resguardo_app, resguardo_eraser, resguardo_auditor;
ALTER ROLE resguardo_app SET statement_timeout = '60s';
ALTER ROLE resguardo_app SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE resguardo_app SET lock_timeout = '10s';

-- No parameter of a statement in the server's log, whatever its settings are.
ALTER ROLE resguardo_app SET log_statement = 'none';
ALTER ROLE resguardo_app SET log_parameter_max_length = 0;
ALTER ROLE resguardo_app SET log_parameter_max_length_on_error = 0;
