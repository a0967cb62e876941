"""How Alembic reaches the database: by the connection that `Database` hands over."""

from alembic import context

from deploy.studio.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
