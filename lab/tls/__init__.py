"""Certificates and TLS settings that are known to be bad, each served for real and judged by the suite.

After the catalogue of badssl.com, on loopback, without the reference host and without root: by nginx where it can,
by tlslite-ng where today's OpenSSL no longer speaks it. ``python -m lab tls`` runs them all.
"""
