#!/bin/sh
# Runs once, when the Postgres of docker-compose.yml makes its data directory:
# a role and its databases for each of the two programs, so that neither can
# read what belongs to the other.
set -eu

psql --username "$POSTGRES_USER" --dbname postgres --no-psqlrc --quiet \
	--set ON_ERROR_STOP=1 \
	--set datapusher="$DATAPUSHER_DB_PASSWORD" --set temporal="$TEMPORAL_DB_PASSWORD" <<'SQL'
CREATE ROLE datapusher LOGIN PASSWORD :'datapusher';
CREATE DATABASE datapusher OWNER datapusher;
REVOKE ALL ON DATABASE datapusher FROM PUBLIC;

CREATE ROLE temporal LOGIN PASSWORD :'temporal';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE ALL ON DATABASE temporal, temporal_visibility FROM PUBLIC;
SQL
