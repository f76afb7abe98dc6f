"""What the drivers for asyncio and for threads have in common; nothing here sleeps, spawns or awaits."""
