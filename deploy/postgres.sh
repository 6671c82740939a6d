#!/bin/sh
# Runs once, when the Postgres of docker-compose.yml makes its data directory:
# roles and databases for each of the two programs, so that neither can read what
# belongs to the other. Data Pusher has two roles: the owner migrates, and grants
# the other one what serving and working needs (migrate up --grant-to=datapusher),
# which is not to change the audit log.
set -eu

psql --username "$POSTGRES_USER" --dbname postgres --no-psqlrc --quiet \
	--set ON_ERROR_STOP=1 \
	--set owner="$DATAPUSHER_DB_OWNER_PASSWORD" --set datapusher="$DATAPUSHER_DB_PASSWORD" --set temporal="$TEMPORAL_DB_PASSWORD" <<'SQL'
CREATE ROLE datapusher_owner LOGIN PASSWORD :'owner';
CREATE ROLE datapusher LOGIN PASSWORD :'datapusher';
CREATE DATABASE datapusher OWNER datapusher_owner;
REVOKE ALL ON DATABASE datapusher FROM PUBLIC;
GRANT CONNECT ON DATABASE datapusher TO datapusher;

CREATE ROLE temporal LOGIN PASSWORD :'temporal';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE ALL ON DATABASE temporal, temporal_visibility FROM PUBLIC;
SQL
