"""Where clients come in: the sockets that listen, who is let in, and what comes before the first command."""
