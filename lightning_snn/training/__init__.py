"""How networks are trained: phases, initialisation, online rules."""
