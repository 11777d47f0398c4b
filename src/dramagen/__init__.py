"""dramagen"""
