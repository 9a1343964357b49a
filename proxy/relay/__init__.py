"""How the bytes flow: the reactor, clients, lanes, the gate; and the stage that does what the story asks."""
